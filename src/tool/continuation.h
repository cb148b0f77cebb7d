/* Continuations of prompts by a language model, decoded as one batch. */
#ifndef CONTINUATION_H
#define CONTINUATION_H

#include <stddef.h>
#include <stdio.h>

#include "corpus.h"
#include "tombola.h"
#include "writer.h"

typedef struct continuation_plan {
    char *const *prompts;
    size_t prompt_count;
    const float *temperatures;
    size_t temperature_count;
    size_t batch; /* rows for each prompt and temperature */
    size_t max_tokens;
    int ignore_end;
    tombola_params params; /* but for temperature and stream */
} continuation_plan;

typedef struct continuation {
    const continuation_plan *plan;
    corpus *corpus;
    size_t rows;
    tombola_sequence *sequences;
    tombola_params *params; /* a row each */
    size_t *starts;         /* tokens of each row's prompt */
    /* How it went. */
    size_t tokens;   /* drawn */
    size_t finished; /* rows */
    double seconds, model_seconds, transfer_seconds, kernel_seconds;
    /* While it goes. */
    writer writer;
    int streaming;
    double progress_shown;
} continuation;

/* Sets up a row for each prompt, temperature and turn, the prompt first. Says which words of prompts the corpus
 * lacks. plan and corpus must outlive it. 0, or -1 with a message; release it either way. */
int continuation_prepare(continuation *continuation, const continuation_plan *plan, corpus *corpus);
void continuation_release(continuation *continuation);

/* Decodes all rows. With streaming the text of the only row is printed as it comes; else progress is shown
 * where standard error is a terminal. 0, or -1 with a message. */
int continuation_run(continuation *continuation, tombola_context *context, int streaming);

/* The prompt of a row. */
const char *continuation_prompt(const continuation *continuation, size_t row);

/* What was drawn for a row, without the end of the text; free() it. NULL without memory. */
char *continuation_text(const continuation *continuation, size_t row);

#endif
