/* The table of parameters: options, columns and bindings are made from it. */
#include "tombola.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

static const char *const methods[] = {"race", "inverse-cdf", NULL};
static const char *const filters[] = {"end",    "temperature", "top_k",    "top_p", "min_p",     "top_n_sigma",
                                      "xtc",    "epsilon",     "eta",      "top_a", "typical_p", "top_h",
                                      "p_less", "min_k",       "mirostat", NULL};
static const char *const p_less[] = {"off", "p-less", "p-less-norm", NULL};
static const char *const mirostat[] = {"0", "1", "2", NULL};
static const char *const prompts[] = {"repetition", "all", "none", NULL};
static const tombola_preset orders[] = {{"default", {0}},
                                        {"temperature-first", TOMBOLA_TEMPERATURE_FIRST},
                                        {"temperature-last", TOMBOLA_TEMPERATURE_LAST},
                                        {NULL, {0}}};

/* The ends are those of a float's or a choice's range. SWITCH: a parameter that switches a filter on. NEEDY: one that
 * needs something. */
#define ENTRY(filter, needs, name, kind, low, high, neutral, help, values, presets)                                    \
    {                                                                                                                  \
        sizeof(tombola_field), TOMBOLA_KIND_##kind, #name, offsetof(tombola_params, name), low, high, neutral, help,   \
            values, presets, TOMBOLA_FILTER_##filter, needs                                                            \
    }
#define SWITCH(filter, ...) ENTRY(filter, 0, __VA_ARGS__)
#define FIELD(...) ENTRY(END, 0, __VA_ARGS__)
#define NEEDY(needs, ...) ENTRY(END, needs, __VA_ARGS__)
#define LOGITS TOMBOLA_NEEDS_LOGITS
#define HISTORY TOMBOLA_NEEDS_HISTORY
#define ENDS TOMBOLA_NEEDS_END_TOKENS
#define FORCED TOMBOLA_NEEDS_FORCED
#define THINKING TOMBOLA_NEEDS_THINKING
/* One for each field of tombola_params, but for struct_size and reserved, in the order of options and columns. */
static const tombola_field fields[] = {
    SWITCH(TEMPERATURE, temperature, FLOAT, 0, HUGE_VAL, 1,
           "Divide logits by this: 0 (always the most likely token) to inf", NULL, NULL),
    SWITCH(TEMPERATURE, dynatemp_range, FLOAT, 0, FLT_MAX, 0,
           "Let the temperature lie so far around the one given, the higher the more uncertain all is; 0 does not",
           NULL, NULL),
    FIELD(dynatemp_exponent, FLOAT, 0, FLT_MAX, 1,
          "Dynamic temperature: the power of the entropy's share by which it rises", NULL, NULL),
    SWITCH(TOP_K, top_k, UINT32, 0, 0, 0, "Keep so many of the most likely tokens; 0 keeps all", NULL, NULL),
    SWITCH(TOP_P, top_p, FLOAT, 0, 1, 1, "Keep the most likely tokens until they hold this share, 0 to 1; 1 keeps all",
           NULL, NULL),
    SWITCH(MIN_P, min_p, FLOAT, 0, 1, 0,
           "Keep tokens at least this many times as likely as the first, 0 to 1; 0 keeps all", NULL, NULL),
    SWITCH(TOP_N_SIGMA, top_n_sigma, FLOAT, 0, FLT_MAX, 0,
           "Keep tokens whose logit is at most this many standard deviations below the largest; 0 keeps all", NULL,
           NULL),
    SWITCH(XTC, xtc_probability, FLOAT, 0, 1, 0,
           "XTC: with this probability drop the top choices, the tokens of at least xtc_threshold, but for the last of "
           "them; 0 never",
           NULL, NULL),
    FIELD(xtc_threshold, FLOAT, 0, 1, 0.1f,
          "XTC: the share that makes a token a top choice, 0 to 1; above about 0.5 none goes", NULL, NULL),
    SWITCH(EPSILON, epsilon_cutoff, FLOAT, 0, 1, 0,
           "Epsilon sampling: keep tokens that hold at least this share, 0 to 1; 0 keeps all", NULL, NULL),
    SWITCH(TOP_A, top_a, FLOAT, 0, 1, 0,
           "Top-a: keep tokens whose share is at least this times the square of the largest, 0 to 1; 0 keeps all", NULL,
           NULL),
    SWITCH(
        P_LESS, p_less, CHOICE, 0, 2, TOMBOLA_P_LESS_OFF,
        "P-less sampling: p-less keeps tokens whose share is at least the sum of all squared shares, p-less-norm more, "
        "off all",
        p_less, NULL),
    SWITCH(MIN_K, min_k, FLOAT, 0, FLT_MAX, 0,
           "Min-k: keep tokens before the cliff of the sorted logits, and at least this over the logits' range of "
           "them, as 3; 0 keeps all",
           NULL, NULL),
    FIELD(min_keep, UINT32, 0, 0, 0, "Every filter keeps at least so many tokens; 0 and 1 keep one", NULL, NULL),
    SWITCH(TYPICAL_P, typical_p, FLOAT, 0, 1, 1,
           "Keep the tokens whose surprise is nearest to the entropy until they hold this share, 0 to 1; 1 keeps all",
           NULL, NULL),
    SWITCH(ETA, eta_cutoff, FLOAT, 0, 1, 0,
           "Keep tokens that hold at least this share, or its root times exp(-entropy) where that is less, 0 to 1; 0 "
           "keeps all",
           NULL, NULL),
    SWITCH(TOP_H, top_h, FLOAT, 0, 1, 0,
           "Of the 100 most likely keep the first ones that make at most this share of their entropy, 0 to 1; 0 keeps "
           "all",
           NULL, NULL),
    SWITCH(MIROSTAT, mirostat, CHOICE, 0, 2, 0,
           "Mirostat: 2 keeps tokens whose surprise, -log2 of their share, is at most mirostat_mu, 1 as many as have "
           "it by Zipf's law, 0 all",
           mirostat, NULL),
    FIELD(mirostat_entropy, FLOAT, 0, FLT_MAX, 5, "Mirostat: the surprise that a text is to have on average, in bits",
          NULL, NULL),
    FIELD(mirostat_rate, FLOAT, 0, FLT_MAX, 0.1f,
          "Mirostat: the share of a token's excess of surprise by which mirostat_mu falls", NULL, NULL),
    FIELD(mirostat_mu, FLOAT, -FLT_MAX, INFINITY, INFINITY,
          "Mirostat: the surprise that a token may have, in bits; inf, at the beginning, is twice the entropy", NULL,
          NULL),
    FIELD(adaptive_target, FLOAT, -1, 1, -1,
          "Adaptive-p: draw, of what the filters have left, tokens whose probability is near this one, 0 to 1, on "
          "average; negative does not",
          NULL, NULL),
    FIELD(adaptive_decay, FLOAT, 0, 0.99f, 0.9f,
          "Adaptive-p: what a token counts in the average, of what the one after it does, 0 to 0.99", NULL, NULL),
    FIELD(adaptive_sum, FLOAT, 0, FLT_MAX, 0,
          "Adaptive-p: the sum of the probabilities drawn so far, older ones counting less", NULL, NULL),
    FIELD(adaptive_weight, FLOAT, 0, FLT_MAX, 0,
          "Adaptive-p: their number, likewise; 0 where the sequence begins, whatever the sum", NULL, NULL),
    NEEDY(
        LOGITS | HISTORY, repetition_penalty, FLOAT, FLT_MIN, FLT_MAX, 1,
        "Divide positive logits of tokens in the history by this, and multiply others; 1 leaves them, below 1 favours "
        "them",
        NULL, NULL),
    FIELD(penalty_window, UINT32, 0, 0, 0, "Penalties count so many tokens, the last of the history; 0 counts all",
          NULL, NULL),
    NEEDY(
        LOGITS | HISTORY, frequency_penalty, FLOAT, -FLT_MAX, FLT_MAX, 0,
        "Subtract this from the logits of generated tokens as often as each came; 0 leaves them, negative favours them",
        NULL, NULL),
    NEEDY(LOGITS | HISTORY, presence_penalty, FLOAT, -FLT_MAX, FLT_MAX, 0,
          "Subtract this from the logits of generated tokens once; 0 leaves them, negative favours them", NULL, NULL),
    FIELD(penalty_prompt, CHOICE, 0, 2, TOMBOLA_PROMPT_REPETITION,
          "Which penalties count the prompt: repetition (alone, as vLLM has it), all (as llama.cpp has it) or none",
          prompts, NULL),
    NEEDY(LOGITS | ENDS, min_tokens, UINT32, 0, 0, 0, "Draw no end token before so many tokens were generated", NULL,
          NULL),
    NEEDY(LOGITS | HISTORY, dry_multiplier, FLOAT, 0, FLT_MAX, 0,
          "DRY: take this times dry_base^(n - dry_allowed_length) off the logit of a token that would go on with a "
          "repetition of n tokens; 0 never",
          NULL, NULL),
    FIELD(dry_base, FLOAT, 1, FLT_MAX, 1.75f, "DRY: how much more each repeated token costs, 1 or more", NULL, NULL),
    FIELD(dry_allowed_length, UINT32, 0, 0, 2, "DRY: the shortest repetition that costs anything", NULL, NULL),
    FIELD(dry_window, UINT32, 0, 0, 0, "DRY: look at so many tokens of the history, the last; 0 all", NULL, NULL),
    NEEDY(HISTORY, no_repeat_ngram, UINT32, 0, 0, 0,
          "Rule out that so many tokens in a row come twice in the history; 0 never", NULL, NULL),
    FIELD(length_penalty_start, UINT32, 0, 0, 0,
          "Length penalty: it begins where more tokens than these have been generated", NULL, NULL),
    NEEDY(LOGITS | HISTORY | ENDS, length_penalty_factor, FLOAT, FLT_MIN, FLT_MAX, 1,
          "Length penalty: add |z| * (this^n - 1) to the logit z of end tokens, n tokens after its start; above 1 ends "
          "sooner, 1 is off",
          NULL, NULL),
    NEEDY(HISTORY | FORCED, forced_from, UINT32, 0, 0, 0,
          "The forced tokens are the generated ones from this number on, 0 the first", NULL, NULL),
    NEEDY(HISTORY | THINKING, thinking_budget, UINT32, 0, 0, 0,
          "End thinking where it has gone on for so many tokens; 0 never", NULL, NULL),
    FIELD(seed, UINT64, 0, 0, 0, "The random stream; the same seed draws the same tokens on every device", NULL, NULL),
    FIELD(offset, UINT64, 0, 0, 0, "Where in the random stream to start", NULL, NULL),
    FIELD(stream, UINT32, 0, 0, 0, "Which of several samples of one request, with a random stream each", NULL, NULL),
    FIELD(method, CHOICE, 0, 1, TOMBOLA_RACE,
          "How to draw: race (an exponential race, the same law as Gumbel-max; logits that differ a little hardly ever "
          "draw another token) or inverse-cdf (one random number in the order of ids)",
          methods, NULL),
    FIELD(filters, ORDER, 0, 0, 0,
          "The order in which temperature and filters apply: all that are in use, as top_k,temperature,min_p; or "
          "temperature-first (the default) or temperature-last (as llama.cpp has it)",
          filters, orders),
    NEEDY(HISTORY, watermark, UINT32, 0, 0, 0,
          "Draw with a watermark, made of so many of the tokens before and of the seed, its key; offset and stream "
          "then do not count; 0 draws without",
          NULL, NULL),
};

const tombola_field *tombola_params_field(size_t index)
{
    return index < sizeof fields / sizeof fields[0] ? &fields[index] : NULL;
}
