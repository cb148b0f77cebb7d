#include "tool.h"

#include <err.h>
#include <string.h>

#include "token_texts.h"

static const char DOC[] =
    "Tells how likely a text is to have been drawn with a watermark: by the library, or token by token by `tombola "
    "sample --watermark N --seed K'. TOKENS is a list of ids, as 12,5,77, or a file of texts: an array of ids in a "
    ".npy file, a text in each row, or JSON lines, each a list of ids or {\"prompt\": [...], \"output\": [...]}, of "
    "which the output counts; - is standard input."
    "\v"
    "For each text: how many tokens were scored (one that follows the same context again tells nothing new), their "
    "score, and its p-value: how likely text without this key's watermark is to score so high.\n\n"
    "For example: tombola detect --key 1234 --width 4 ids.jsonl";

enum { KEY = 0x100, WIDTH, VOCABULARY, PROMPT_LENGTH, JSON };

static const struct argp_option OPTIONS[] = {
    {"key", KEY, "K", 0, "The watermark's key: the --seed that the text was drawn with", 0},
    {"width", WIDTH, "N", 0, "The tokens before each that it was made from: the --watermark of the draw", 0},
    {"vocabulary", VOCABULARY, "V", 0,
     "Tokens that the model had to choose from; matters where there were no more than 256", 0},
    {"prompt-length", PROMPT_LENGTH, "N", 0,
     "The first N tokens of each text were not drawn; of a part of a text, which has lost the tokens before, give the "
     "width",
     0},
    {"json", JSON, 0, 0, "An object a line in place of the table", 0},
    {0},
};

typedef struct options {
    const char *tokens;
    uint64_t key, width, vocabulary, prompt_length;
    int has_key, has_prompt_length, json;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *options = state->input;
    switch (key) {
    case KEY:
        if (tool_integer_read(text, UINT64_MAX, &options->key))
            argp_error(state, "--key: '%s' is not a whole number from 0 to %llu", text, (unsigned long long)UINT64_MAX);
        options->has_key = 1;
        return 0;
    case WIDTH:
        if (tool_integer_read(text, UINT32_MAX, &options->width) || options->width == 0)
            argp_error(state, "--width: '%s' is not a whole number from 1 to %lu", text, (unsigned long)UINT32_MAX);
        return 0;
    case VOCABULARY:
        if (tool_integer_read(text, TOMBOLA_MAX_VOCABULARY, &options->vocabulary) || options->vocabulary == 0)
            argp_error(state, "--vocabulary: '%s' is not a whole number from 1 to %u", text, TOMBOLA_MAX_VOCABULARY);
        return 0;
    case PROMPT_LENGTH:
        if (tool_integer_read(text, SIZE_MAX, &options->prompt_length))
            argp_error(state, "--prompt-length: '%s' is not a whole number", text);
        options->has_prompt_length = 1;
        return 0;
    case JSON:
        options->json = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (options->tokens)
            argp_error(state, "takes one file or list, but got '%s' and '%s'", options->tokens, text);
        options->tokens = text;
        return 0;
    case ARGP_KEY_END:
        if (!options->tokens)
            argp_error(state, "which text? Name a file, - for standard input, or ids as 12,5,77");
        if (!options->has_key || options->width == 0)
            argp_error(state, "which watermark? Give --key and --width, the --seed and --watermark of the draw");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print(const options *options, size_t row, const tombola_detection *found)
{
    if (options->json)
        return tool_json_print(stdout, json_pack("{s:I, s:I, s:I, s:f, s:f}", "row", (json_int_t)row, "scored",
                                                 (json_int_t)found->scored, "numbers", (json_int_t)found->numbers,
                                                 "score", found->score, "p_value", found->p_value));
    if (row == 0)
        printf("row  scored  numbers     score  p-value\n");
    printf("%3zu  %6llu  %7llu  %8.2f  %.3g\n", row, (unsigned long long)found->scored,
           (unsigned long long)found->numbers, found->score, found->p_value);
    return 0;
}

static int detect(const options *options, const token_texts *texts)
{
    for (size_t row = 0; row < texts->count; row++) {
        const token_text *text = &texts->list[row];
        tombola_detection found = tombola_detection_default();
        tombola_error error = tombola_error_default();
        const size_t prompt_length = options->has_prompt_length ? (size_t)options->prompt_length : text->prompt_length;
        if (tombola_watermark_detect(options->key, (uint32_t)options->width, text->tokens, text->count,
                                     (size_t)options->vocabulary, prompt_length, &found, &error)) {
            warnx("text %zu: %s", row, error.message);
            return -1;
        }
        if (print(options, row, &found) || ferror(stdout))
            return -1;
    }
    return 0;
}

int tool_detect(int argc, char **argv)
{
    const struct argp argp = {.options = OPTIONS, .parser = parse, .args_doc = "TOKENS", .doc = DOC};
    options options = {.vocabulary = TOMBOLA_MAX_VOCABULARY};
    if (tool_parse(&argp, argc, argv, &options))
        return TOOL_FAILURE;
    token_texts texts = {0};
    const int is_list = options.tokens[strspn(options.tokens, "0123456789,")] == '\0';
    int failed = is_list ? token_texts_parse(options.tokens, &texts)
                         : token_texts_read(options.tokens, TOMBOLA_MAX_VOCABULARY, &texts);
    if (failed && is_list)
        warnx("'%s' is not a list of ids from 0 to %u", options.tokens, TOMBOLA_MAX_VOCABULARY - 1);
    if (!failed && texts.count == 0) {
        warnx("%s: no texts in it", options.tokens);
        failed = -1;
    }
    if (!failed)
        failed = detect(&options, &texts);
    token_texts_release(&texts);
    return failed ? TOOL_FAILURE : 0;
}
