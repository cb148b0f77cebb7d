#include "tool.h"

#include <string.h>

static int is_same(char a, char b)
{
    return (a == '_' ? '-' : a) == b;
}

/* Whether the option's name begins with what is written, in `length` characters. */
static int begins(const struct argp_option *option, const char *written, size_t length)
{
    size_t i = 0;
    while (i < length && option->name[i] && is_same(written[i], option->name[i]))
        i++;
    return i == length;
}

/* The option that is meant: the one of this name, else the first whose name begins so, as getopt takes short forms.
 * NULL for none. */
static const struct argp_option *find_option(const struct argp *argp, const char *written, size_t length)
{
    const struct argp_option *first = NULL;
    for (const struct argp_option *option = argp->options; option && (option->name || option->key); option++)
        if (option->name && begins(option, written, length)) {
            if (option->name[length] == '\0')
                return option;
            first = first ? first : option;
        }
    for (const struct argp_child *child = argp->children; child && child->argp; child++) {
        const struct argp_option *option = find_option(child->argp, written, length);
        if (option && option->name[length] == '\0')
            return option;
        first = first ? first : option;
    }
    return first;
}

/* Writes the names of known options with hyphens for underscores. A value that is an argument of its own stays as it
 * is, whatever it looks like, and so does all that follows --. */
static void write_hyphens(const struct argp *argp, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        char *name = argv[i] + 2;
        if (strncmp(argv[i], "--", 2) != 0)
            continue;
        size_t length = strcspn(name, "=");
        const struct argp_option *option = find_option(argp, name, length);
        if (!option)
            continue;
        for (size_t at = 0; at < length; at++)
            name[at] = name[at] == '_' ? '-' : name[at];
        i += option->arg && name[length] == '\0';
    }
}

error_t tool_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    write_hyphens(argp, argc, argv);
    return argp_parse(argp, argc, argv, 0, NULL, input);
}
