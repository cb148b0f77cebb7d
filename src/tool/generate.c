#include "tool.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "continuation.h"
#include "needs.h"
#include "output_file.h"
#include "text.h"
#include "token_texts.h"

#define DEFAULT_TEMPERATURE 0.8f
#define DEFAULT_TOKENS 100
#define MAX_BATCH 65536
#define MAX_TOKENS (1u << 24)

static const char DOC[] =
    "Learns an n-gram language model from text files (those of `fortune' have their texts apart), and writes on from "
    "prompts with it: each token is drawn from a row of logits over the whole vocabulary."
    "\v"
    "Every prompt is continued at every temperature, --batch times each; without a prompt, a text is begun. Row i, "
    "counted prompt by prompt and within a prompt temperature by temperature, has stream i of the seed.\n\n"
    "A single row is printed as it comes, several once they are done.";

enum { TEXT = 0x100, PROMPT, PROMPTS, OUTPUT, OUTPUT_TOKENS, BATCH, COUNT, GREEDY, IGNORE_END, JSON };

static const struct argp_option OPTIONS[] = {
    {"text", TEXT, "FILE", 0, "A text to learn from; repeat it, or name more files after it", 0},
    {"prompt", PROMPT, "TEXT", 0, "How a text begins; may be repeated", 0},
    {"prompts", PROMPTS, "FILE", 0, "A prompt in each line of a file of UTF-8; empty lines do not count", 0},
    {"output", OUTPUT, "FILE", 0, "Also write the texts to a file, a JSON object for each row on its own line", 0},
    {"output-tokens", OUTPUT_TOKENS, "FILE", 0,
     "Also write the ids of tokens to a file, a line {\"prompt\": [...], \"output\": [...]} for each row, as `tombola "
     "detect' reads them",
     0},
    {"batch", BATCH, "N", 0, "How often each prompt is continued at each temperature (default 1)", 0},
    {"max-tokens", COUNT, "N", 0, "Words and punctuation marks in a continuation at most (default 100)", 0},
    {"greedy", GREEDY, 0, 0, "Always take the most likely token: --temperature 0", 0},
    {"ignore-end", IGNORE_END, 0, 0, "Do not stop where the model ends a text: go on with another", 0},
    {"json", JSON, 0, 0, "Print an object for each row, then one that sums up, a line each", 0},
    {0},
};

typedef struct options {
    tool_sampling sampling;
    char **texts; /* with room for argc */
    size_t text_count;
    char **prompts; /* likewise */
    size_t prompt_count;
    const char *prompts_file;
    const char *output, *output_tokens;
    size_t batch;
    size_t max_tokens;
    int greedy;
    int ignore_end;
    int json;
} options;

static size_t read_count(const char *option, const char *text, uint64_t high, struct argp_state *state)
{
    uint64_t value;
    if (tool_integer_read(text, high, &value) || value == 0)
        argp_error(state, "%s %s: not a whole number from 1 to %llu", option, text, (unsigned long long)high);
    return (size_t)value;
}

/* Sequences have histories and ends, and nothing that is forced. */
static void check(options *options, struct argp_state *state)
{
    const uint32_t there = TOMBOLA_NEEDS_LOGITS | TOMBOLA_NEEDS_HISTORY | TOMBOLA_NEEDS_END_TOKENS;
    needs_settle(&options->sampling, there, 0, state);
    if (options->text_count == 0)
        argp_error(state, "which text? Name files with --text");
    if (output_file_is_same(options->output, options->output_tokens))
        argp_error(state, "--output and --output-tokens: both write %s", options->output);
    if (options->sampling.has_temperature && options->greedy)
        argp_error(state, "--temperature and --greedy say the same thing: give one of them");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->sampling;
        return 0;
    case ARGP_KEY_ARG:
        if (options->text_count == 0)
            argp_error(state, "'%s': name text files with --text", text);
        /* fall through */
    case TEXT:
        options->texts[options->text_count++] = text;
        return 0;
    case PROMPT:
        if (!text_is_utf8(text))
            argp_error(state, "--prompt: number %zu is not UTF-8", options->prompt_count + 1);
        options->prompts[options->prompt_count++] = text_after_mark(text);
        return 0;
    case PROMPTS:
        options->prompts_file = text;
        return 0;
    case OUTPUT:
        options->output = text;
        return 0;
    case OUTPUT_TOKENS:
        options->output_tokens = text;
        return 0;
    case BATCH:
        options->batch = read_count("--batch", text, MAX_BATCH, state);
        return 0;
    case COUNT:
        options->max_tokens = read_count("--max-tokens", text, MAX_TOKENS, state);
        return 0;
    case GREEDY:
        options->greedy = 1;
        return 0;
    case IGNORE_END:
        options->ignore_end = 1;
        return 0;
    case JSON:
        options->json = 1;
        return 0;
    case ARGP_KEY_END:
        check(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Adds the lines of a file, which is read into *text, to the prompts. 0, or -1 with a message. */
static int read_prompts(options *options, char **text)
{
    size_t length, lines = 1;
    *text = text_file_read(options->prompts_file, &length);
    if (!*text || text_check(options->prompts_file, *text, length))
        return -1;
    for (size_t i = 0; i < length; i++)
        lines += (*text)[i] == '\n' || (*text)[i] == '\r';
    char **prompts = realloc(options->prompts, (options->prompt_count + lines) * sizeof *prompts);
    if (!prompts) {
        warn("%s", options->prompts_file);
        return -1;
    }
    options->prompts = prompts;
    size_t before = options->prompt_count;
    char *rest = *text;
    for (char *line; (line = strsep(&rest, "\r\n"));)
        if (line[strspn(line, " \t")] != '\0')
            options->prompts[options->prompt_count++] = line;
    if (options->prompt_count == before) {
        warnx("%s: no prompts in it", options->prompts_file);
        return -1;
    }
    return 0;
}

static json_t *real_or_inf(float value)
{
    return isinf(value) ? json_string("inf") : json_real((double)value);
}

static int print_row(FILE *file, const continuation *c, size_t row)
{
    const tombola_sequence *sequence = &c->sequences[row];
    char *text = continuation_text(c, row);
    if (!text) {
        warnx("out of memory");
        return -1;
    }
    json_t *object =
        json_pack("{s:I, s:s, s:o, s:I, s:s, s:I, s:s}", "row", (json_int_t)row, "prompt", continuation_prompt(c, row),
                  "temperature", real_or_inf(sequence->params->temperature), "stream",
                  (json_int_t)sequence->params->stream, "text", text, "tokens",
                  (json_int_t)(sequence->length - c->starts[row]), "finish", tombola_finish_string(sequence->finish));
    free(text);
    return tool_json_print(file, object);
}

static int print_tokens(FILE *file, const continuation *c, size_t row)
{
    const tombola_sequence *sequence = &c->sequences[row];
    return token_texts_write(file, &(token_text){sequence->tokens, sequence->length, c->starts[row]});
}

/* path: NULL for none */
static int write_rows(const char *path, int (*print)(FILE *, const continuation *, size_t), const continuation *c)
{
    FILE *file = path ? fopen(path, "w") : NULL;
    int failed = 0;
    if (!path)
        return 0;
    if (!file) {
        warn("%s", path);
        return -1;
    }
    for (size_t row = 0; row < c->rows && !failed; row++)
        failed = print(file, c, row);
    if (fclose(file) && !failed) {
        warn("%s", path);
        failed = -1;
    }
    return failed;
}

static int print_texts(const continuation *c)
{
    for (size_t row = 0; row < c->rows; row++) {
        char *text = continuation_text(c, row);
        if (!text) {
            warnx("out of memory");
            return -1;
        }
        writer writer = {stdout, 0};
        printf("--- %zu, temperature %g\n", row, (double)c->sequences[row].params->temperature);
        writer_put(&writer, continuation_prompt(c, row));
        writer_put(&writer, text);
        fputs("\n\n", stdout);
        free(text);
    }
    return 0;
}

static int print_sum(const continuation *c, const char *device, int json)
{
    double speed = (double)c->tokens / c->seconds;
    double model = c->model_seconds / c->seconds;
    double transfer = c->transfer_seconds / c->seconds;
    double kernels = c->kernel_seconds / c->seconds;
    double decode = 1 - model - transfer; /* all that is left: kernels, launching and waiting for them */
    size_t vocabulary = words_count(c->corpus->words);
    if (json)
        return tool_json_print(stdout, json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "device", device,
                                                 "vocabulary", (json_int_t)vocabulary, "tokens", (json_int_t)c->tokens,
                                                 "seconds", c->seconds, "tokens_per_second", speed, "model", model,
                                                 "transfer", transfer, "decoding", decode, "kernels", kernels));
    printf("%zu tokens of a vocabulary of %zu at %.0f tokens/s on %s\n", c->tokens, vocabulary, speed, device);
    printf("time: model %.0f%%, transfer %.0f%%, decoding %.0f%% (the kernels %.0f%%)\n", 100 * model, 100 * transfer,
           100 * decode, 100 * kernels);
    return 0;
}

static int run(const options *options, const continuation_plan *plan, corpus *corpus)
{
    int failed = -1;
    continuation continuation;
    tombola_context *context = NULL;
    tombola_device device = tombola_device_default();
    if (continuation_prepare(&continuation, plan, corpus))
        goto done;
    if (!(context = tool_sampling_open(&options->sampling)))
        goto done;
    tombola_context_device(context, &device);
    int streaming = continuation.rows == 1 && !options->json;
    failed = continuation_run(&continuation, context, streaming);
    if (!failed && options->json)
        for (size_t row = 0; row < continuation.rows && !failed; row++)
            failed = print_row(stdout, &continuation, row);
    else if (!failed && !streaming)
        failed = print_texts(&continuation);
    if (!failed)
        failed = write_rows(options->output, print_row, &continuation) |
                 write_rows(options->output_tokens, print_tokens, &continuation);
    if (!failed)
        failed = print_sum(&continuation, device.name, options->json);
done:
    tombola_context_close(context);
    continuation_release(&continuation);
    return failed;
}

/* Loads what the options name, then runs. */
static int generate(options *options)
{
    int failed = -1;
    char *prompts_text = NULL;
    corpus corpus = {0};
    if (options->prompts_file && read_prompts(options, &prompts_text))
        goto done;
    if (options->prompt_count == 0)
        options->prompts[options->prompt_count++] = "";
    if (corpus_load(&corpus, options->texts, options->text_count))
        goto done;
    if ((options->output && output_file_try(options->output)) ||
        (options->output_tokens && output_file_try(options->output_tokens)))
        goto done;
    tool_sampling *sampling = &options->sampling;
    if (options->greedy || sampling->temperature_count == 0) {
        sampling->temperatures[0] = options->greedy ? 0.0f : DEFAULT_TEMPERATURE;
        sampling->temperature_count = 1;
    }
    if (options->batch > 1 && sampling->params.watermark > 0)
        warnx("--batch %zu: with a watermark all texts of a prompt at one temperature are the same; for others take "
              "another --seed",
              options->batch);
    const continuation_plan plan = {
        .prompts = options->prompts,
        .prompt_count = options->prompt_count,
        .temperatures = sampling->temperatures,
        .temperature_count = sampling->temperature_count,
        .batch = options->batch,
        .max_tokens = options->max_tokens,
        .ignore_end = options->ignore_end,
        .params = sampling->params,
    };
    failed = run(options, &plan, &corpus);
done:
    corpus_release(&corpus);
    free(prompts_text);
    return failed ? TOOL_FAILURE : 0;
}

int tool_generate(int argc, char **argv)
{
    const struct argp_child children[] = {{tool_sampling_argp(), 0, "Sampling:", 1}, {0}};
    const struct argp argp = {
        .options = OPTIONS, .parser = parse, .args_doc = "--text FILE...", .doc = DOC, .children = children};
    options options = {
        .sampling = tool_sampling_default(TOOL_MAX_TEMPERATURES), .batch = 1, .max_tokens = DEFAULT_TOKENS};
    options.texts = calloc((size_t)argc, sizeof *options.texts);
    options.prompts = calloc((size_t)argc, sizeof *options.prompts);
    if (!options.texts || !options.prompts) {
        warnx("out of memory");
        return TOOL_FAILURE;
    }
    int status = tool_parse(&argp, argc, argv, &options) ? TOOL_FAILURE : generate(&options);
    free(options.texts);
    free(options.prompts);
    config_release(&options.sampling.config);
    return status;
}
