/* Ids of tokens that an option lists, as 5,17. */
#ifndef OPTION_IDS_H
#define OPTION_IDS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

/* Adds those of an option's text to the `count` ids that are there, whose memory grows by realloc; ends the program
 * with a message that names the option where one is no id. */
void option_ids_add(const char *option, char *text, int32_t **ids, size_t *count, struct argp_state *state);

#endif
