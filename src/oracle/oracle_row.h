/* What the oracle's files share: a row and its weights. */
#ifndef ORACLE_ROW_H
#define ORACLE_ROW_H

#include "oracle.h"

#define ORACLE_BLOCK 256u
#define GREEDY_BELOW 1e-5f

__extension__ typedef unsigned __int128 wide;

/* A row's weights at a temperature. */
struct weighing {
    float temperature; /* NaN before the first use */
    tombola_row_status status;
    uint32_t *weight;
    uint64_t *sum;   /* by block, of all weights */
    uint32_t *shift; /* by block, d_b */
    float *scale;    /* by block, r_b */
    float factor;    /* c */
};

struct oracle_row {
    uint32_t vocabulary, blocks;
    uint32_t living; /* tokens above -inf */
    tombola_row_status check;
    tombola_input kind;
    float *logit;
    uint32_t *order;
    float *block_maximum;
    struct weighing weighings[3]; /* at temperature 1, at another, and at the last dynamic one */
    int is_dynamic;               /* the last question came to a dynamic temperature */
    uint64_t *kept_sum;
    unsigned char *kept;
};

/* The kept tokens: those of rank `first` up to `last`, which is not one of them. */
struct window {
    uint32_t first, last;
};

/* Subnormal numbers and -0 count as +0. */
float oracle_made_normal(float x);

/* Makes of a row's logits, mask and finite biases applied, what its history does; -inf stays what it is. */
void oracle_penalise(const struct oracle_input *input, float *logits);

/* Zeroed memory; ends the program where there is none. */
void *oracle_allocate(size_t count, size_t size);

/* A temperature as it counts. */
double oracle_temperature(float temperature);

void weighing_create(struct weighing *weighing, uint32_t vocabulary, uint32_t blocks);
void weighing_release(struct weighing *weighing);

/* The row's weights at this temperature. Their status tells whether the row is good there. */
const struct weighing *oracle_weigh(struct oracle_row *row, float temperature);

/* The same at a dynamic temperature; and the weights to draw with once the filters are through. */
const struct weighing *oracle_weigh_dynamic(struct oracle_row *row, float temperature);
const struct weighing *oracle_weigh_draw(struct oracle_row *row, const tombola_params *params);

/* The status of a row that is drawn from at this temperature, greedy ones included. */
tombola_row_status oracle_status(struct oracle_row *row, float temperature);

/* The sum of a window's weights by block; valid until the next call. */
const uint64_t *oracle_sums(struct oracle_row *row, const struct weighing *w, struct window window);

/* A block's sum of weights at the row's scale, and the total of all. */
uint64_t oracle_mass(const struct weighing *w, uint32_t block, uint64_t sum);
uint64_t oracle_total(const struct oracle_row *row, const struct weighing *w, const uint64_t *sums);

/* A token's exponent t in its block; -126 where it is less, or where its block weighs nothing. */
float oracle_exponent(const struct oracle_row *row, const struct weighing *w, uint32_t id);

/* What the entropy of a window's tokens is made of, and what it comes to. */
struct entropy {
    uint64_t mass, depth;
    uint32_t mean; /* depth / mass in units of 2^-24 */
    float nats;
};
struct entropy oracle_entropy(struct oracle_row *row, const struct weighing *w, struct window window);

/* What a filter is given: the row, its parameters, the temperature in force and, where it asks for them, the weights
 * there. */
struct question {
    struct oracle_row *row;
    const tombola_params *params;
    float temperature;
    const struct weighing *w;
    int is_dynamic; /* the temperature is */
};

/* Filters with files of their own: whether each is on, and what it leaves of a window (oracle_shares.c,
 * oracle_cliff.c, oracle_mirostat.c). */
int oracle_has_epsilon(const tombola_params *params);
struct window oracle_epsilon(const struct question *q, struct window window);
int oracle_has_top_a(const tombola_params *params);
struct window oracle_top_a(const struct question *q, struct window window);
int oracle_has_p_less(const tombola_params *params);
struct window oracle_p_less(const struct question *q, struct window window);
int oracle_has_min_k(const tombola_params *params);
struct window oracle_min_k(const struct question *q, struct window window);
int oracle_has_mirostat(const tombola_params *params);
struct window oracle_mirostat(const struct question *q, struct window window);

/* What of a window has at least this share of its mass, and what has the logit of its first token. */
struct window oracle_of_share(const struct question *q, struct window window, float share);

/* The temperature that a dynamic one comes to; NaN where the window has one token. */
float oracle_dynamic_temperature(struct oracle_row *row, const tombola_params *params, struct window window);

/* Whether filters that go by the entropy are on, and what they keep of a window. */
int oracle_has_typical_p(const tombola_params *params);
int oracle_has_eta(const tombola_params *params);
int oracle_has_top_h(const tombola_params *params);
struct window oracle_typical_p(const struct question *q, struct window window);
struct window oracle_eta(const struct question *q, struct window window);
struct window oracle_top_h(const struct question *q, struct window window);

/* Whether a token can be drawn from the row, and the window of the kept ones. */
tombola_row_status oracle_keep(struct oracle_row *row, const tombola_params *params, struct window *window);

/* The bits of the time at which runner n of this weight, at least 1, arrives. */
uint32_t oracle_time(const tombola_params *params, uint32_t use, uint32_t n, uint64_t weight);

/* Logits as exponents of 2, relative to one of them. */
struct measure {
    float factor, top, whole;
};
float oracle_power(struct measure measure, float z);

/* What 2 to the exponents of a window's tokens come to, in units of 2^-40, and the measure of these. */
uint64_t oracle_sum(struct oracle_row *row, const struct weighing *w, struct window window, struct measure *measure);

/* The log-probability of a token of this logit among those of a window. */
float oracle_logprob(struct oracle_row *row, const struct weighing *w, struct window window, float z);

/* Puts the probabilities of a window's tokens among them where their ids are. */
void oracle_probabilities(struct oracle_row *row, const struct weighing *w, struct window window, float *probabilities);

/* The row that adaptive-p makes of what the filters leave, to be released; NULL where it is off, or the row is greedy
 * or yields no token. It is drawn from by the other parameters. */
struct oracle_row *oracle_reshape(struct oracle_row *row, const tombola_params *params);
tombola_params oracle_params_of_reshaped(const tombola_params *params);

/* Applies the filters in their order. TOMBOLA_ROW_INVALID where one meets weights without bound. */
tombola_row_status oracle_filter(struct oracle_row *row, const tombola_params *params, struct window *window);

#endif
