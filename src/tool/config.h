/* Parameters from JSON as others have it: Transformers' generation_config.json, and requests to OpenAI's API and to
 * servers that understand it. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stddef.h>

#include "tombola.h"

typedef struct config {
    tombola_bias *biases; /* of tokens that the file names, in its order; free() them */
    size_t bias_count;
    int32_t *end_tokens; /* free() them */
    size_t end_token_count;
    int has_temperature; /* it sets the temperature, or asks for greedy draws */
} config;

/* Sets what the file's fields say and leaves the other parameters alone. Which fields it ignores it says on standard
 * error. 0, or -1 with a message that has the field and its value. Release the config either way.
 * takes_tokens  0: what is said of single tokens, their biases and ends, is ignored */
int config_read(const char *path, int takes_tokens, tombola_params *params, config *config);
void config_release(config *config);

#endif
