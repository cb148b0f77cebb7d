#include "option_ids.h"

#include <stdlib.h>

#include "tool.h"

void option_ids_add(const char *option, char *text, int32_t **ids, size_t *count, struct argp_state *state)
{
    size_t added;
    char **list = tool_list_split(text, &added);
    int32_t *more = list ? realloc(*ids, (*count + added) * sizeof *more) : NULL;
    if (!more)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    *ids = more;
    for (size_t i = 0; i < added; i++) {
        uint64_t id;
        if (tool_integer_read(list[i], TOMBOLA_MAX_VOCABULARY - 1, &id))
            argp_error(state, "%s: '%s' is not a token's id, a whole number from 0 to %u", option, list[i],
                       TOMBOLA_MAX_VOCABULARY - 1);
        more[(*count)++] = (int32_t)id;
    }
    free(list);
}
