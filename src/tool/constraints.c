#include "constraints.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "batch_ends.h"
#include "tool.h"

enum { MASK = 0x400, BIAS, BIAS_FILE };

static const struct argp_option OPTIONS[] = {
    {"mask", MASK, "FILE.npy", 0,
     "Which tokens may be drawn: uint32 or int32, a row of words for each row, or one row for all; bit i % 32 of word "
     "i / 32, the lowest first, allows token i",
     0},
    {"bias", BIAS, "ID=X,...", 0, "Add X to the logit of token ID in every row; -inf rules it out", 0},
    {"bias-file", BIAS_FILE, "FILE.csv", 0,
     "Biases of single rows: a header that names row, token and value, then a line for each; in place of what --bias "
     "says of the same token",
     0},
    {0},
};

/* The place of a token among the biases of every row; option_count for none. */
static size_t find_option(const constraints *c, int32_t token)
{
    size_t i = 0;
    while (i < c->option_count && c->options[i].bias.token != token)
        i++;
    return i;
}

int constraints_add(constraints *c, tombola_bias bias)
{
    if (find_option(c, bias.token) < c->option_count)
        return 0;
    bias_entry *more = realloc(c->options, (c->option_count + 1) * sizeof *more);
    if (!more)
        return -1;
    c->options = more;
    c->options[c->option_count++] = (bias_entry){.bias = bias};
    return 0;
}

static void add_option(constraints *c, char *text, struct argp_state *state)
{
    char *equals = strchr(text, '=');
    bias_entry entry = {0};
    uint64_t token;
    if (!equals)
        argp_error(state, "--bias: '%s' is not ID=X, as in 50256=-inf", text);
    *equals = '\0';
    if (tool_integer_read(text, TOMBOLA_MAX_VOCABULARY - 1, &token))
        argp_error(state, "--bias: '%s' is not a token's id, a whole number from 0 to %u", text,
                   TOMBOLA_MAX_VOCABULARY - 1);
    if (bias_value_read(equals + 1, &entry.bias.value))
        argp_error(state, "--bias: '%s', of token %s, is not " BIAS_VALUE, equals + 1, text);
    entry.bias.token = (int32_t)token;
    if (find_option(c, entry.bias.token) < c->option_count)
        argp_error(state, "--bias: token %s comes twice", text);
    if (constraints_add(c, entry.bias))
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    constraints *c = state->input;
    char **list;
    size_t count;
    switch (key) {
    case MASK:
        c->mask_path = text;
        return 0;
    case BIAS:
        if (!(list = tool_list_split(text, &count)))
            argp_failure(state, TOOL_FAILURE, 0, "out of memory");
        for (size_t i = 0; i < count; i++)
            add_option(c, list[i], state);
        free(list);
        return 0;
    case BIAS_FILE:
        c->bias_path = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp constraints_argp = {.options = OPTIONS, .parser = parse};

/* -------------------------------------------------------------------- masks */

static int load_masks(constraints *c, size_t rows, size_t batch, size_t vocabulary)
{
    const size_t words = (vocabulary + 31) / 32;
    tool_text trouble;
    if (!c->mask_path)
        return 0;
    if (npy_words_open(c->mask_path, &c->masks))
        return -1;
    if (c->masks.rows != 1 && c->masks.rows != rows) {
        warnx("%s: %zu masks, but there are %zu rows of logits: give one for each, or one for all", c->mask_path,
              c->masks.rows, rows);
        return -1;
    }
    if (c->masks.columns < words) {
        warnx("%s: masks of %zu words, but %zu tokens take %zu", c->mask_path, c->masks.columns, vocabulary, words);
        return -1;
    }
    c->mask_of_row = calloc(batch, sizeof *c->mask_of_row); /* mask 0 for all */
    c->mask_words = malloc(npy_rows_bytes(&c->masks, c->masks.rows < batch ? c->masks.rows : batch));
    if (!c->mask_of_row || !c->mask_words) {
        warnx("out of memory");
        return -1;
    }
    if (c->masks.rows == 1 && npy_rows_read(&c->masks, 0, 1, c->mask_words, &trouble)) {
        warnx("%s", trouble.text);
        return -1;
    }
    return 0;
}

/* ------------------------------------------------------------------- biases */

/* Rows one after another; of a row's, tokens; of a token's, what the file says before what the options do. */
static int compare_entries(const void *one, const void *other)
{
    const bias_entry *a = one, *b = other;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->bias.token != b->bias.token)
        return a->bias.token < b->bias.token ? -1 : 1;
    if (!a->line != !b->line)
        return a->line ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Makes lists of rows from sorted entries. */
static int list_entries(constraints *c, const bias_entry *entries, size_t count, size_t rows)
{
    size_t end = 0, row = 0;
    for (size_t i = 0; i < count; i++) {
        const bias_entry *entry = &entries[i], *before = i ? entry - 1 : NULL;
        int is_same = before && before->row == entry->row && before->bias.token == entry->bias.token;
        if (is_same && entry->line) {
            warnx("%s: line %zu: token %ld of row %zu has a bias already, in line %zu", c->bias_path, entry->line,
                  (long)entry->bias.token, entry->row, before->line);
            return -1;
        }
        for (; row < entry->row; row++)
            c->ends[row] = end;
        if (!is_same)
            c->biases[end++] = entry->bias;
    }
    for (; row < rows; row++)
        c->ends[row] = end;
    return 0;
}

static int check_options(const constraints *c, size_t vocabulary)
{
    for (size_t i = 0; i < c->option_count; i++)
        if ((size_t)c->options[i].bias.token >= vocabulary) {
            warnx("a bias of every row: token %ld is not from 0 to %zu", (long)c->options[i].bias.token,
                  vocabulary - 1);
            return -1;
        }
    return 0;
}

static int load_biases(constraints *c, size_t rows, size_t vocabulary)
{
    bias_entry *from_file = NULL, *all = NULL;
    size_t file_count = 0;
    int failed = -1;
    if (!c->bias_path && !c->option_count)
        return 0;
    if (check_options(c, vocabulary))
        return -1;
    if (c->bias_path && bias_csv_read(c->bias_path, rows, vocabulary, &from_file, &file_count))
        return -1;
    const size_t count = file_count + rows * c->option_count;
    all = malloc((count + 1) * sizeof *all);
    c->biases = malloc((count + 1) * sizeof *c->biases);
    c->ends = malloc(rows * sizeof *c->ends);
    c->batch_ends = malloc(rows * sizeof *c->batch_ends);
    if (!all || !c->biases || !c->ends || !c->batch_ends) {
        warnx("out of memory");
        goto done;
    }
    if (file_count)
        memcpy(all, from_file, file_count * sizeof *all);
    for (size_t i = 0; i < rows * c->option_count; i++) {
        all[file_count + i] = c->options[i % c->option_count];
        all[file_count + i].row = i / c->option_count;
    }
    qsort(all, count, sizeof *all, compare_entries);
    failed = list_entries(c, all, count, rows);
done:
    free(all);
    free(from_file);
    return failed;
}

int constraints_load(constraints *c, size_t rows, size_t batch, size_t vocabulary)
{
    c->is_same = !c->bias_path;
    return load_masks(c, rows, batch, vocabulary) || load_biases(c, c->is_same ? batch : rows, vocabulary) ? -1 : 0;
}

void constraints_release(constraints *c)
{
    free(c->options);
    npy_rows_close(&c->masks);
    free(c->mask_words);
    free(c->mask_of_row);
    free(c->biases);
    free(c->ends);
    free(c->batch_ends);
}

int constraints_apply(constraints *c, size_t first, tombola_rows *rows, tool_text *trouble)
{
    if (c->mask_words) {
        const int is_single = c->masks.rows == 1;
        if (!is_single && npy_rows_read(&c->masks, first, rows->count, c->mask_words, trouble))
            return -1;
        rows->masks.host = c->mask_words;
        rows->mask_stride = c->masks.columns;
        rows->mask_count = is_single ? 1 : rows->count;
        rows->mask_of_row = is_single ? c->mask_of_row : NULL;
    }
    if (c->ends) {
        rows->biases = c->biases + batch_ends_cut(c->ends, c->is_same ? 0 : first, rows->count, c->batch_ends);
        rows->bias_ends = c->batch_ends;
    }
    return 0;
}
