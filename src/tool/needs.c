#include "needs.h"

#include <err.h>
#include <string.h>

/* The options that have it, of `tombola sample', in the order in which it is told. */
static const struct source {
    uint32_t need;
    const char *options;
} SOURCES[] = {{TOMBOLA_NEEDS_LOGITS, "logits in place of --probabilities"},
               {TOMBOLA_NEEDS_HISTORY, "--histories"},
               {TOMBOLA_NEEDS_END_TOKENS, "--end-tokens"},
               {TOMBOLA_NEEDS_FORCED, "--forced"},
               {TOMBOLA_NEEDS_THINKING, "--thinking-start and --thinking-end"}};

/* Whether it is not what it is by default: a float or a number of 32 bits, as all are that need something. */
static int is_set(const tombola_field *field, const tombola_params *params)
{
    const char *at = (const char *)params + field->offset;
    float real;
    uint32_t number;
    memcpy(&real, at, sizeof real);
    memcpy(&number, at, sizeof number);
    return (field->kind == TOMBOLA_KIND_FLOAT ? (double)real : (double)number) != field->neutral;
}

/* The options that have what a parameter lacks; NULL where it lacks nothing, or is not set. */
static const char *find_missing(const tombola_field *field, const tombola_params *params, uint32_t there)
{
    const uint32_t missing = field->needs & ~there;
    for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0] && missing; i++)
        if ((missing & SOURCES[i].need) && is_set(field, params))
            return SOURCES[i].options;
    return NULL;
}

/* Puts back what lacks these options, and says so. */
static void ignore(tool_sampling *sampling, uint32_t there, const char *options)
{
    const tombola_params neutral = tombola_params_default();
    tool_text names = {""};
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const char *missing = find_missing(field, &sampling->params, there);
        if (!missing || strcmp(missing, options) != 0)
            continue;
        memcpy((char *)&sampling->params + field->offset, (const char *)&neutral + field->offset, sizeof(uint32_t));
        tool_text_add(&names, *names.text ? ", " : "");
        tool_text_add(&names, field->name);
    }
    if (*names.text)
        warnx("%s: ignored, as without %s it does nothing: %s",
              sampling->config_path ? sampling->config_path : sampling->preset, options, names.text);
}

void needs_settle(tool_sampling *sampling, uint32_t there, int takes_all, struct argp_state *state)
{
    const tombola_field *field;
    for (size_t i = 0; i < TOOL_MAX_PARAMETERS && (field = tombola_params_field(i)); i++) {
        const char *missing = find_missing(field, &sampling->params, there);
        if (missing && sampling->is_given[i])
            argp_error(state, "%s: does nothing without %s%s", tool_params_option(field).text, missing,
                       takes_all ? "" : ", which `tombola sample' takes");
    }
    for (size_t i = 0; i < sizeof SOURCES / sizeof SOURCES[0]; i++)
        ignore(sampling, there, SOURCES[i].options);
}

int needs_check(const char *path, const tombola_params *params, size_t rows, uint32_t there)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++)
        for (size_t row = 0; (field->needs & ~there) && row < rows; row++) {
            const char *missing = find_missing(field, &params[row], there);
            if (missing) {
                warnx("%s: row %zu: %s does nothing without %s", path, row, field->name, missing);
                return -1;
            }
        }
    return 0;
}
