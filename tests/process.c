#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* Files, not pipes: nothing to read while it runs, and no size at which it would block. */
static FILE *open_stream(const void *content, size_t size)
{
    FILE *file = tmpfile();
    if (!file || fwrite(content, 1, size, file) != size || fflush(file))
        die("no temporary file");
    rewind(file);
    return file;
}

static char *read_stream(FILE *file)
{
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = allocate(size + 1, 1);
    if (fread(text, 1, size, file) != size)
        die("cannot read what a program wrote");
    text[size] = '\0';
    fclose(file);
    return text;
}

running_process process_start(const char *const *argv, const char *const *environment, const void *input,
                              size_t input_size)
{
    FILE *streams[3] = {open_stream(input, input_size), open_stream("", 0), open_stream("", 0)};
    fflush(NULL);
    pid_t child = fork();
    if (child == -1)
        die("cannot fork");
    if (child == 0) {
        for (int i = 0; i < 3; i++)
            if (dup2(fileno(streams[i]), i) == -1)
                _exit(126);
        for (; environment && *environment; environment += 2)
            setenv(environment[0], environment[1], 1);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return (running_process){child, {streams[0], streams[1], streams[2]}, argv[0]};
}

process process_end(running_process *running)
{
    int status;
    if (waitpid((pid_t)running->id, &status, 0) != running->id)
        die("cannot wait for %s", running->program);
    fclose(running->streams[0]);
    process process = {.out = read_stream(running->streams[1]), .err = read_stream(running->streams[2])};
    process.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (process.status == 127)
        die("cannot run %s: %s", running->program, process.err);
    return process;
}

process process_run(const char *const *argv, const char *const *environment, const void *input, size_t input_size)
{
    running_process running = process_start(argv, environment, input, input_size);
    return process_end(&running);
}

void process_release(process *process)
{
    free(process->out);
    free(process->err);
}
