#include "continuation.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIVE_ROWS 64         /* decoded together; further ones wait for a place */
#define PROGRESS_SECONDS 0.1 /* between two looks at how far a batch is */

static const int32_t END_TOKEN = WORDS_END;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void report_unknown(void *user, const char *word, size_t length)
{
    (void)user;
    warnx("'%.*s' is not in the text: what stands before it does not count", (int)length, word);
}

const char *continuation_prompt(const continuation *c, size_t row)
{
    return c->plan->prompts[row / (c->plan->temperature_count * c->plan->batch)];
}

/* One row of a prompt; `turn` counts these, temperature by temperature. */
static int prepare_row(continuation *c, size_t row, const struct tokens *prompt, size_t turn)
{
    tombola_sequence *sequence = &c->sequences[row];
    *sequence = tombola_sequence_default();
    sequence->tokens = malloc((prompt->count + c->plan->max_tokens) * sizeof *sequence->tokens);
    if (!sequence->tokens)
        return -1;
    if (prompt->count > 0)
        memcpy(sequence->tokens, prompt->ids, prompt->count * sizeof *prompt->ids);
    sequence->length = prompt->count;
    c->starts[row] = prompt->count;
    sequence->max_new_tokens = c->plan->max_tokens;
    if (!c->plan->ignore_end) {
        sequence->end_tokens = &END_TOKEN;
        sequence->end_token_count = 1;
    }
    sequence->params = &c->params[row];
    *sequence->params = c->plan->params;
    sequence->params->temperature = c->plan->temperatures[turn / c->plan->batch];
    sequence->params->stream += (uint32_t)row;
    return 0;
}

static int prepare_rows(continuation *c)
{
    size_t turns = c->plan->temperature_count * c->plan->batch;
    for (size_t i = 0; i < c->plan->prompt_count; i++) {
        struct tokens prompt = {0};
        int failed = words_find(c->corpus->words, c->plan->prompts[i], &prompt, report_unknown, NULL);
        for (size_t turn = 0; turn < turns && !failed; turn++)
            failed = prepare_row(c, i * turns + turn, &prompt, turn);
        free(prompt.ids);
        if (failed)
            return -1;
    }
    return 0;
}

int continuation_prepare(continuation *c, const continuation_plan *plan, corpus *corpus)
{
    size_t turns = plan->temperature_count * plan->batch;
    *c = (continuation){.plan = plan, .corpus = corpus, .writer = {stdout, 0}};
    c->rows = plan->prompt_count * turns;
    c->sequences = calloc(c->rows, sizeof *c->sequences);
    c->params = calloc(c->rows, sizeof *c->params);
    c->starts = calloc(c->rows, sizeof *c->starts);
    if (!c->sequences || !c->params || !c->starts || prepare_rows(c)) {
        warnx("no memory for %zu rows of %zu tokens", c->rows, plan->max_tokens);
        return -1;
    }
    return 0;
}

void continuation_release(continuation *c)
{
    for (size_t row = 0; c->sequences && row < c->rows; row++)
        free(c->sequences[row].tokens);
    free(c->sequences);
    free(c->params);
    free(c->starts);
}

static int predict(void *user, const tombola_step *step)
{
    continuation *c = user;
    double start = now();
    for (size_t row = 0; row < step->rows; row++) {
        const tombola_sequence *sequence = &step->sequences[step->live[row]];
        ngram_predict(c->corpus->ngram, sequence->tokens, sequence->length, (float *)step->logits + row * step->stride);
    }
    c->model_seconds += now() - start;
    return 0;
}

static void show_progress(continuation *c)
{
    double time = now();
    if (c->finished < c->rows && time - c->progress_shown < PROGRESS_SECONDS)
        return;
    c->progress_shown = time;
    fprintf(stderr, "\r%zu of %zu texts, %zu tokens ", c->finished, c->rows, c->tokens);
}

static tombola_verdict take_token(void *user, const tombola_sequence *sequences, size_t index, int32_t token)
{
    continuation *c = user;
    c->tokens++;
    c->finished += sequences[index].finish != TOMBOLA_FINISH_NONE;
    if (!c->streaming) {
        if (c->progress_shown > 0)
            show_progress(c);
        return TOMBOLA_CONTINUE;
    }
    if (token != WORDS_END || c->plan->ignore_end)
        writer_put(&c->writer, words_text(c->corpus->words, token));
    return fflush(stdout) ? TOMBOLA_STOP_ALL : TOMBOLA_CONTINUE;
}

static int decode(continuation *c, tombola_sampler *sampler)
{
    tombola_error error = tombola_error_default();
    tombola_model model = tombola_model_default();
    model.user = c;
    model.forward = predict;
    double start = now();
    if (!c->streaming && isatty(STDERR_FILENO))
        c->progress_shown = start;
    tombola_status status = tombola_sampler_generate(sampler, c->sequences, c->rows, &model, take_token, c, &error);
    c->seconds = now() - start;
    if (c->progress_shown > 0)
        fputs("\r\033[K", stderr);
    if (status) {
        warnx("%s", error.message);
        return -1;
    }
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    c->transfer_seconds = times.upload_seconds + times.read_seconds;
    c->kernel_seconds = times.kernel_seconds;
    return 0;
}

int continuation_run(continuation *c, tombola_context *context, int streaming)
{
    tombola_sampler *sampler;
    tombola_error error = tombola_error_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    options.timed = 1;
    size_t live = c->rows < LIVE_ROWS ? c->rows : LIVE_ROWS;
    if (tombola_sampler_create(context, words_count(c->corpus->words), live, &options, &sampler, &error)) {
        warnx("%s", error.message);
        return -1;
    }
    c->streaming = streaming;
    if (streaming)
        writer_put(&c->writer, continuation_prompt(c, 0));
    int failed = decode(c, sampler);
    if (streaming)
        writer_put(&c->writer, "\n");
    tombola_sampler_release(sampler);
    return failed;
}

char *continuation_text(const continuation *c, size_t row)
{
    const tombola_sequence *sequence = &c->sequences[row];
    size_t end = sequence->length - (sequence->finish == TOMBOLA_FINISH_END_TOKEN);
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    if (!stream)
        return NULL;
    for (size_t i = c->starts[row]; i < end; i++)
        fputs(words_text(c->corpus->words, sequence->tokens[i]), stream);
    int failed = ferror(stream);
    if (fclose(stream) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
