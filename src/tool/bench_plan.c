#include "bench_plan.h"

#include <stdlib.h>
#include <string.h>

#include "output_file.h"
#include "preset.h"
#include "tool.h"

static const char DOC[] =
    "Measures how fast tokens are drawn, beside the fastest that this machine can read the same logits. Tokens are "
    "checked against a plain sequential oracle first; one that differs ends the command with exit status 1."
    "\v"
    "Every combination of the shapes, workloads, types and places is a case; the configurations of a case take turns "
    "round by round with the reads, on the same bytes. The configurations draw at temperature 0.8; top-k is 50, top-p "
    "0.95, min-p 0.05, top-n-sigma 1, xtc 0.1 and always, typical-p 0.95, epsilon and eta 0.0003, top-a 0.2, top-h "
    "0.4, min-k 3, dynatemp by 0.5; mixed gives every row another of greedy to min-p. top-p-t1 and top-p-t1.5 are "
    "top-p at temperatures 1 and 1.5, top-p-0.9-t0.7 is that of 0.9 at 0.7, top-k-top-p-0.9 top-k 50 and top-p 0.9. "
    "The others are top-p with more: log-probabilities, final and raw; 8 samples of each row; the 20 most likely "
    "tokens with log-probabilities; a mask, in host memory, that allows seven of eight tokens; 64 biases a row; a "
    "history of 4096 tokens, as frequent as in text, half of it prompt, with a repetition penalty of 1.1, penalties "
    "takes those of 0.2 by frequency and 0.1 by presence besides, dry 0.8, no-repeat-ngram 3.\n\n"
    "Workloads: lm is like a language model's rows, top-p keeps 20 to 300 tokens; peaked has one token of 0.99; "
    "gaussian has standard deviation 2.5, flat 0.1; ties is gaussian in steps of bfloat16; masked is lm with nine "
    "tenths -inf; equal has one number in all places, two-values 0 and 2; subnormal is gaussian of subnormal numbers "
    "alone; huge is lm times 1e30, in float16 1e3; real are a language model's own, the file of --real-rows over and "
    "over, each time with its tokens shifted, so that rows differ and keep as many.\n\n"
    "On PoCL set POCL_AFFINITY=1, or two of its threads may share a core; POCL_MAX_PTHREAD_COUNT limits them.";

enum {
    SHAPES = 0x100,
    CONFIGS,
    PRESET,
    WORKLOADS_,
    TYPES,
    LOGITS,
    REAL_ROWS,
    WHERE,
    REPEATS,
    SECONDS,
    TURNS,
    SEED,
    DEVICE,
    LANES,
    WIDTH,
    TEAMS,
    DISPATCH,
    THREADS,
    SAVE,
    JSON
};

static const struct argp_option OPTIONS[] = {
    {"shapes", SHAPES, "ROWSxVOCAB,...", 0, "Sizes of a batch (default 8x128256; of real alone 64 rows of the file's)",
     0},
    {"configs", CONFIGS, "NAME,...", 0,
     "Any of greedy, temperature, top-k, top-p, top-k-top-p, min-p, mixed, top-n-sigma, xtc, mask, bias, mask-bias "
     "(default: these), typical-p, epsilon, eta, top-a, top-h, p-less, min-k, dynatemp, top-p-t1, top-p-t1.5, "
     "top-p-0.9-t0.7, top-k-top-p-0.9, logprobs, samples-8, n-best-20, repetition, penalties, mask-bias-penalties, "
     "dry, no-repeat-ngram; or all",
     0},
    {"preset", PRESET, "NAME", 0,
     "Measure a set of parameters, as `tombola sample' has it by this name: in place of --configs, or beside those it "
     "names",
     0},
    {"workloads", WORKLOADS_, "NAME,...", 0,
     "Any of lm, peaked, gaussian, flat, ties, masked, equal, two-values, subnormal, huge, real (default: lm)", 0},
    {"types", TYPES, "NAME,...", 0, "Any of float32, float16, bfloat16 (default: float32)", 0},
    {"where", WHERE, "NAME,...", 0,
     "Where the logits lie: host, device, or staged: in host memory, but copied to the device (default: host)", 0},
    {"logits", LOGITS, "FILE.npy", 0,
     "Rows of your own in place of a workload, as `tombola sample' reads them. --shapes may cut them into batches", 0},
    {"real-rows", REAL_ROWS, "FILE.npy", 0, "Rows of a language model for the workload real, which is the default then",
     0},
    {"save-logits", SAVE, "FILE.npy", 0, "Save the rows that are measured; for a single shape, workload and type", 0},
    {"seconds", SECONDS, "S", 0, "Time for each configuration of a case (default 0.5)", 1},
    {"repeats", REPEATS, "N", 0, "Calls of each configuration of a case, in place of --seconds", 1},
    {"turns", TURNS, 0, 0,
     "Measure in turns with other programs: each line of standard input has the seconds of a turn for each "
     "configuration, `ready' is the answer before and after, and the input's end the end. For a single shape, workload "
     "and type",
     1},
    {"seed", SEED, "N", 0,
     "Of the workloads and the draws (default 1); random takes one from the system and says which", 1},
    {"device", DEVICE, "NAME", 0, "Index, type or a part of the name, as for `tombola sample'", 2},
    {"lanes", LANES, "N", 0, "Work-items side by side in a block; with --width", 2},
    {"width", WIDTH, "N", 0, "Logits that a work-item takes at a time: 4, 8 or 16; with --lanes", 2},
    {"teams", TEAMS, "N", 0, "Blocks that a work-group takes side by side; with --lanes", 2},
    {"dispatch", DISPATCH, "NAME", 0, "auto (default), row: a work-group for each, or spread: many share a row", 2},
    {"threads", THREADS, "N", 0, "Threads of the plain read (default: one a core)", 2},
    {"json", JSON, 0, 0, "A header and then an object a line for each measurement, in place of tables", 3},
    {0},
};

static const char *const DISPATCHES[] = {
    [TOMBOLA_DISPATCH_AUTO] = "auto", [TOMBOLA_DISPATCH_ROW] = "row", [TOMBOLA_DISPATCH_SPREAD] = "spread"};

static const char *name_of_config(int i)
{
    return bench_config_name((bench_config)i);
}

static const char *name_of_workload(int i)
{
    return workload_name((workload)i);
}

static const char *name_of_type(int i)
{
    return tool_type_name((tombola_type)i);
}

static const char *name_of_where(int i)
{
    return bench_where_name((bench_where)i);
}

static const char *name_of_dispatch(int i)
{
    return DISPATCHES[i];
}

static int is_called(const char *(*name)(int), int i, const char *text)
{
    tombola_type type; /* these have other names too */
    return strcmp(name(i), text) == 0 || (name == name_of_type && !tool_type_read(text, &type) && (int)type == i);
}

/* The names in `text` as bits, in the order of the list that they come from. */
static uint64_t read_names(const char *option, const char *text, const char *(*name)(int), int count,
                           struct argp_state *state)
{
    uint64_t bits = 0;
    size_t items;
    char **list = tool_list_split(text, &items);
    if (!list)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    for (size_t item = 0; item < items; item++) {
        int i = 0;
        while (i < count && !is_called(name, i, list[item]))
            i++;
        if (i == count) {
            char known[512] = "";
            for (int k = 0; k < count; k++) {
                strcat(known, k == 0 ? "" : k == count - 1 ? " or " : ", ");
                strcat(known, name(k));
            }
            argp_error(state, "%s: '%s' is not %s", option, list[item], known);
        }
        bits |= UINT64_C(1) << i;
    }
    free(list);
    return bits;
}

static size_t read_count(const char *option, const char *text, uint64_t least, uint64_t most, struct argp_state *state)
{
    uint64_t value;
    if (tool_integer_read(text, most, &value) || value < least)
        argp_error(state, "%s: '%s' is not a whole number from %llu to %llu", option, text, (unsigned long long)least,
                   (unsigned long long)most);
    return (size_t)value;
}

static void read_shapes(struct bench_plan *plan, const char *text, struct argp_state *state)
{
    size_t items;
    char **list = tool_list_split(text, &items);
    if (!list)
        argp_failure(state, TOOL_FAILURE, 0, "out of memory");
    if (items > BENCH_MOST_SHAPES)
        argp_error(state, "--shapes: takes at most %d, not %zu", BENCH_MOST_SHAPES, items);
    for (size_t i = 0; i < items; i++) {
        char *cross = strchr(list[i], 'x');
        uint64_t rows = 0, vocabulary = 0;
        if (cross)
            *cross = '\0';
        if (!cross || tool_integer_read(list[i], 1u << 20, &rows) || rows == 0 ||
            tool_integer_read(cross + 1, TOMBOLA_MAX_VOCABULARY, &vocabulary) || vocabulary == 0)
            argp_error(state,
                       "--shapes: '%s%s%s' is not ROWSxVOCAB, as in 8x128256, of at most 1048576 rows and %u tokens",
                       list[i], cross ? "x" : "", cross ? cross + 1 : "", TOMBOLA_MAX_VOCABULARY);
        plan->shapes[i] = (struct bench_shape){(size_t)rows, (size_t)vocabulary};
    }
    plan->shape_count = items;
    free(list);
}

static int is_single(unsigned bits)
{
    return (bits & (bits - 1)) == 0;
}

static tombola_type first_type(unsigned types)
{
    tombola_type type = TOMBOLA_FLOAT32;
    while (!(types >> type & 1))
        type++;
    return type;
}

/* --types says of an array what --dtype does. */
static void check_wish(struct bench_plan *plan, struct argp_state *state)
{
    if (plan->wish.has_type && !plan->logits && !plan->real_rows)
        argp_error(state, "--dtype: it says what the array of --logits or --real-rows holds, and there is none");
    if (plan->wish.has_vocabulary && !plan->logits && !plan->real_rows)
        argp_error(state, "--vocabulary: it cuts the rows of --logits or --real-rows, and there are none; --shapes has "
                          "that of others");
    if (plan->logits && plan->wish.has_type && plan->has_types)
        argp_error(state, "--dtype and --types say the same thing of --logits: give one of them");
    if (plan->logits && plan->has_types) {
        plan->wish.has_type = 1;
        plan->wish.type = first_type(plan->types);
        plan->wish.option = "--types";
    }
}

static void check_real_rows(struct bench_plan *plan, struct argp_state *state)
{
    const unsigned real = 1u << WORKLOAD_REAL;
    if (plan->real_rows && plan->logits)
        argp_error(state, "--real-rows: they are a workload, which there is none of where --logits brings the rows");
    if (plan->real_rows && !plan->has_workloads)
        plan->workloads = real;
    if (plan->real_rows && !(plan->workloads & real))
        argp_error(state, "--real-rows: real is none of the --workloads");
    if (!plan->real_rows && plan->workloads & real)
        argp_error(state, "--workloads: real needs rows; name a file of them with --real-rows");
}

static void check_single(const struct bench_plan *plan, struct argp_state *state)
{
    const int is_one = plan->shape_count <= 1 && is_single(plan->workloads) && is_single(plan->types);
    if ((plan->save || plan->options.turns) && !is_one)
        argp_error(state, "%s: takes a single shape, workload and type", plan->save ? "--save-logits" : "--turns");
    if (plan->options.turns && !is_single(plan->wheres))
        argp_error(state, "--turns: takes a single place of --where");
}

/* What is read may not be written too. */
static void check_save(const struct bench_plan *plan, struct argp_state *state)
{
    const char *input = plan->logits ? plan->logits : plan->real_rows;
    if (output_file_is_same(plan->save, input))
        argp_error(state, "--save-logits %s: would overwrite the file of %s", plan->save,
                   plan->logits ? "--logits" : "--real-rows");
}

static void check_plan(struct bench_plan *plan, struct argp_state *state)
{
    check_real_rows(plan, state);
    if (plan->logits && plan->has_workloads)
        argp_error(state, "--workloads: there is none to choose where --logits brings the rows");
    if (plan->logits && (!is_single(plan->types) || plan->shape_count > 1))
        argp_error(state, "--logits: takes a single shape and type");
    check_wish(plan, state);
    if (plan->has_configs && plan->options.configs >> BENCH_PRESET & 1 && !plan->has_preset)
        argp_error(state, "--configs: which preset? Give --preset");
    if (plan->has_preset)
        plan->options.configs = (plan->has_configs ? plan->options.configs : 0) | BENCH_BIT(BENCH_PRESET);
    check_single(plan, state);
    check_save(plan, state);
    if (plan->shape_count == 0 && !plan->logits && plan->workloads != 1u << WORKLOAD_REAL)
        plan->shapes[plan->shape_count++] = (struct bench_shape){8, 128256};
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct bench_plan *plan = state->input;
    float seconds;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &plan->wish;
        return 0;
    case SHAPES:
        read_shapes(plan, text, state);
        return 0;
    case CONFIGS:
        plan->options.configs =
            strcmp(text, "all") == 0 ? BENCH_ALL : read_names("--configs", text, name_of_config, BENCH_CONFIGS, state);
        plan->has_configs = 1;
        return 0;
    case PRESET:
        if (preset_read(text, &plan->options.preset))
            argp_error(state, "--preset: no preset is called '%s'; there are %s", text, preset_names().text);
        plan->has_preset = 1;
        return 0;
    case WORKLOADS_:
        plan->workloads = (unsigned)read_names("--workloads", text, name_of_workload, WORKLOADS, state);
        plan->has_workloads = 1;
        return 0;
    case TYPES:
        plan->types = (unsigned)read_names("--types", text, name_of_type, 3, state);
        plan->has_types = 1;
        return 0;
    case WHERE:
        plan->wheres = (unsigned)read_names("--where", text, name_of_where, BENCH_WHERES, state);
        return 0;
    case LOGITS:
        plan->logits = text;
        return 0;
    case REAL_ROWS:
        plan->real_rows = text;
        return 0;
    case SAVE:
        plan->save = text;
        return 0;
    case SECONDS:
        if (tool_float_read(text, 0, 3600, &seconds))
            argp_error(state, "--seconds: '%s' is not a number from 0 to 3600%s", text, tool_comma_hint(text).text);
        plan->options.seconds = (double)seconds;
        return 0;
    case REPEATS:
        plan->options.repeats = read_count("--repeats", text, 1, 1000000, state);
        return 0;
    case TURNS:
        plan->options.turns = 1;
        return 0;
    case SEED:
        if (tool_seed_read(text, INT64_MAX, &plan->options.seed, &plan->has_random_seed))
            argp_error(state, "--seed: '%s' is not random or a whole number from 0 to %lld", text,
                       (long long)INT64_MAX);
        return 0;
    case DEVICE:
        plan->device = text;
        return 0;
    case LANES:
        plan->context.lanes = (uint32_t)read_count("--lanes", text, 1, 256, state);
        return 0;
    case WIDTH:
        plan->context.width = (uint32_t)read_count("--width", text, 1, 16, state);
        return 0;
    case TEAMS:
        plan->context.teams = (uint32_t)read_count("--teams", text, 1, 256, state);
        return 0;
    case DISPATCH: {
        uint64_t bits = read_names("--dispatch", text, name_of_dispatch, 3, state);
        plan->options.dispatch = bits == 1u << TOMBOLA_DISPATCH_ROW      ? TOMBOLA_DISPATCH_ROW
                                 : bits == 1u << TOMBOLA_DISPATCH_SPREAD ? TOMBOLA_DISPATCH_SPREAD
                                                                         : TOMBOLA_DISPATCH_AUTO;
        return 0;
    }
    case THREADS:
        plan->options.threads = read_count("--threads", text, 1, 1024, state);
        return 0;
    case JSON:
        plan->json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "takes no argument, but got '%s'", text);
        return 0;
    case ARGP_KEY_END:
        check_plan(plan, state);
        return 0;
    case ARGP_KEY_SUCCESS:
        if (plan->has_random_seed)
            tool_seed_print(plan->options.seed);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child CHILDREN[] = {{&npy_argp, 0, "The array of --logits or --real-rows:", 1}, {0}};
const struct argp bench_argp = {.options = OPTIONS, .parser = parse, .doc = DOC, .children = CHILDREN};

struct bench_plan bench_plan_default(void)
{
    return (struct bench_plan){.options = {.configs = BENCH_USUAL, .seed = 1, .seconds = 0.5},
                               .context = tombola_context_options_default(),
                               .workloads = 1u << WORKLOAD_LM,
                               .types = 1u << TOMBOLA_FLOAT32,
                               .wheres = 1u << BENCH_HOST};
}
