/* The fields of a file of --config, one at a time. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <jansson.h>

#include "config.h"

struct config_reader {
    const char *path;
    int takes_tokens;
    tombola_params *params;
    config *config;
    /* For each parameter of the table, the field that has set it. */
    const char **setters;
    int is_greedy;      /* do_sample is false */
    char ignored[1024]; /* the fields that are, with commas between */
};

/* Says that a field's value is not what is expected; -1. */
int config_refuse(const struct config_reader *reader, const char *field, const json_t *value, const char *expected);
void config_ignore(struct config_reader *reader, const char *field);

/* Those of tokens. 0, or -1 with a message on standard error. The field's name has static storage. */
int config_read_logit_bias(struct config_reader *reader, const char *field, const json_t *value);
int config_read_suppressed(struct config_reader *reader, const char *field, const json_t *value);
int config_read_sequence_bias(struct config_reader *reader, const char *field, const json_t *value);
int config_read_bad_words(struct config_reader *reader, const char *field, const json_t *value);
int config_read_end_tokens(struct config_reader *reader, const char *field, const json_t *value);

#endif
