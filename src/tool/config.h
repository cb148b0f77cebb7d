/* Parameters from JSON as others have it: Transformers' generation_config.json, and requests to OpenAI's API and to
 * servers that understand it. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stddef.h>

#include "id_lines.h"
#include "tombola.h"

/* What the file says of a token, and in which field. */
typedef struct config_bias {
    tombola_bias bias;
    const char *field; /* static storage */
} config_bias;

typedef struct config_end {
    int32_t token;
    const char *field; /* static storage */
} config_end;

typedef struct config {
    config_bias *biases; /* of tokens that the file names, in its order; a ban counts more than any other */
    size_t bias_count;
    config_end *ends; /* tokens that end a sequence */
    size_t end_count;
    id_lines words;      /* that may not come */
    uint32_t samples;    /* of each row; 0 where the file does not say */
    int has_temperature; /* it sets the temperature, or asks for greedy draws */
} config;

/* Sets what the file's fields say and leaves the other parameters alone. Which fields it ignores it says on standard
 * error. 0, or -1 with a message that has the field and its value. Release the config either way.
 * takes_tokens  0: what is said of tokens, their biases, words and ends, and how many to draw, is ignored */
int config_read(const char *path, int takes_tokens, tombola_params *params, config *config);
void config_release(config *config);

/* That all its tokens are from 0 to vocabulary - 1, those that end a sequence where they are wanted. 0, or -1 with a
 * message that has the field and the token. */
int config_check(const char *path, const config *config, int wants_ends, size_t vocabulary);

#endif
