/* The command: picks the subcommand and minds standard output. */
#include "tool.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name;
    char *full_name;
    int (*run)(int argc, char **argv);
} COMMANDS[] = {
    {.name = "bench", .full_name = "tombola bench", .run = tool_bench},
    {.name = "devices", .full_name = "tombola devices", .run = tool_devices},
    {.name = "sample", .full_name = "tombola sample", .run = tool_sample},
    {.name = "show", .full_name = "tombola show", .run = tool_show},
    {.name = "detect", .full_name = "tombola detect", .run = tool_detect},
};

#define NAMES "bench, devices, sample, show and detect"

static const char DOC[] = "Draws the next token for every row of a batch of logits on any OpenCL device, "
                          "and draws the same token on every one of them."
                          "\v"
                          "Commands:\n"
                          "  bench      how fast tokens are drawn here, and how fast they could be\n"
                          "  devices    the OpenCL devices, and which is the default\n"
                          "  sample     draw a token for each row of logits in a .npy file\n"
                          "  show       what temperature and filters do, as table and bars\n"
                          "  detect     look for a watermark in the tokens of a text\n"
                          "\n"
                          "`tombola COMMAND --help' tells more about each.";

static void print_version(FILE *file, struct argp_state *state)
{
    (void)state;
    fprintf(file, "tombola %s, contract %d\n", tombola_version_string(), tombola_contract());
}

struct choice {
    const struct command *command;
    int place; /* in argv */
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct choice *choice = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
            if (strcmp(COMMANDS[i].name, text) == 0)
                choice->command = &COMMANDS[i];
        if (!choice->command)
            argp_error(state, "no command is called '%s'; there are " NAMES, text);
        choice->place = state->next - 1;
        state->next = state->argc; /* what follows is the command's own */
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which command? There are " NAMES);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A full disk may show only here. _exit, since exit() is already under way. */
static void close_output(void)
{
    int failed = ferror(stdout);
    errno = 0;
    if (fclose(stdout) || failed) {
        if (errno)
            warn("cannot write to standard output");
        else
            warnx("cannot write to standard output");
        _exit(TOOL_FAILURE);
    }
}

/* Started with a standard stream closed, the next file opened would take its number and
 * get what is printed. Opened the wrong way round, it still fails as a closed one does. */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(TOOL_FAILURE);
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    atexit(close_output);
    setlocale(LC_CTYPE, ""); /* for the width of labels; numbers keep their point */
    argp_err_exit_status = TOOL_USAGE;
    argp_program_version_hook = print_version;
    argv[0] = program_invocation_name = program_invocation_short_name = "tombola";

    struct choice choice = {0};
    const struct argp argp = {.parser = parse, .args_doc = "COMMAND [ARGUMENT...]", .doc = DOC};
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice))
        return TOOL_FAILURE;

    argc -= choice.place;
    argv += choice.place;
    argv[0] = program_invocation_name = program_invocation_short_name = choice.command->full_name;
    return choice.command->run(argc, argv);
}
