#include "preset.h"

#include <string.h>

static const struct use {
    const char *name;
    float temperature;
} USES[] = {{"code", 0.2f}, {"factual", 0.5f}, {"creative", 0.85f}, {"brainstorm", 1.2f}};

enum { USE_COUNT = sizeof USES / sizeof USES[0] };

int preset_read(const char *name, tombola_params *params)
{
    for (size_t i = 0; i < USE_COUNT; i++)
        if (strcmp(USES[i].name, name) == 0) {
            *params = tombola_params_default();
            params->temperature = USES[i].temperature;
            return 0;
        }
    *params = tombola_params_default();
    return tombola_params_preset(name, params, NULL) ? -1 : 0;
}

tool_text preset_names(void)
{
    tool_text names = {""};
    const char *name;
    for (size_t i = 0; (name = tombola_params_preset_name(i)); i++) {
        tool_text_add(&names, i == 0 ? "" : ", ");
        tool_text_add(&names, name);
    }
    for (size_t i = 0; i < USE_COUNT; i++) {
        tool_text_add(&names, i + 1 == USE_COUNT ? " and " : ", ");
        tool_text_add(&names, USES[i].name);
    }
    return names;
}
