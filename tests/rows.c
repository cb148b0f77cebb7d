#include "rows.h"

#include <float.h>
#include <math.h>
#include <string.h>

const char *row_kind_name(enum row_kind kind)
{
    static const char *const names[ROW_KINDS] = {
        "peaked", "flat",      "gaussian", "equal",  "one_hot",  "mostly_masked", "lowest",   "ties",
        "zeros",  "subnormal", "huge",     "stairs", "negative", "nan",           "infinite", "empty"};
    return kind < ROW_KINDS ? names[kind] : "unknown";
}

/* A row's random words; `use` tells apart what they are for. */
static uint32_t hash(uint32_t seed, uint32_t use, uint32_t id)
{
    uint32_t h = seed * 0x9E3779B1u + use * 0x85EBCA77u + id;
    h = (h ^ h >> 16) * 0x7FEB352Du;
    h = (h ^ h >> 15) * 0x846CA68Bu;
    return h ^ h >> 16;
}

/* Uses of the hash. */
enum {
    SUM_LOW = 1,
    SUM_HIGH = 2,
    VALUE = 3,
    MASK = 4,
    ALLOWED = 5,
    BIASED = 6,
    BIAS = 7,
    HISTORY = 8,
    PROMPT = 9,
    ENDS = 10,
    PLACE = 16
};

/* n * 2^exponent, exactly: |n| < 2^24, and no result is subnormal. */
static float scaled(int32_t n, int32_t exponent)
{
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return (float)n * power;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A token that stands out: the row's number `n`. */
static uint32_t place(const struct row_recipe *row, uint32_t n)
{
    return hash(row->seed, PLACE + n, 0) % row->vocabulary;
}

/* The sum of four uniform numbers of 16 bits, less its mean: -131070 to 131070. */
static int32_t bell(const struct row_recipe *row, uint32_t id)
{
    uint32_t a = hash(row->seed, SUM_LOW, id), b = hash(row->seed, SUM_HIGH, id);
    return (int32_t)((a & 0xFFFFu) + (a >> 16) + (b & 0xFFFFu) + (b >> 16)) - 131070;
}

/* Where a NaN or +inf sits: first, in the middle, last or everywhere, by the seed. */
static int is_bad_place(const struct row_recipe *row, uint32_t id)
{
    uint32_t places[] = {0, row->vocabulary / 2, row->vocabulary - 1, id};
    return id == places[row->seed % 4];
}

static float subnormal_value(const struct row_recipe *row, uint32_t h)
{
    float tiny = from_bits(h >> 10), half_tiny = scaled((int32_t)(h >> 22) + 1, -24);
    int bare = row->seed % 2 == 1; /* nothing in the row counts as more than 0 */
    switch (h % 8) {
    case 0:
        return 0.0f;
    case 1:
        return -0.0f;
    case 2:
        return tiny;
    case 3:
        return -tiny;
    case 4:
        return bare ? -FLT_MIN : FLT_MIN;
    case 5:
        return -FLT_MIN;
    case 6:
        return bare ? tiny : half_tiny; /* subnormal as a half, and yet to be told from 0 */
    default:
        return bare ? -tiny : -half_tiny;
    }
}

static float huge_value(const struct row_recipe *row, uint32_t h)
{
    static const int32_t exponents[8] = {14, 15, 22, 23, 24, 92, 126, 127};
    static const uint32_t spreads[3] = {63, 1023, 0x7FFFFF};
    int32_t n = (int32_t)(0x800000u + (h & spreads[row->seed / 8 % 3]));
    return scaled(h >> 31 ? -n : n, exponents[row->seed % 8] - 23);
}

static float logit(const struct row_recipe *row, uint32_t id)
{
    uint32_t seed = row->seed, h = hash(seed, VALUE, id);
    float gaussian = scaled(bell(row, id), -14);
    switch (row->kind) {
    case ROW_PEAKED:
        for (int32_t n = 0; n < 3; n++) {
            if (id == place(row, (uint32_t)n)) {
                return scaled(32 - 3 * n, -1);
            }
        }
        return scaled(-(int32_t)(h >> 12), -17);
    case ROW_FLAT:
        return scaled((int32_t)(h >> 16) - 32768, -24);
    case ROW_EQUAL:
        return scaled((int32_t)(seed % 64) - 32, -1);
    case ROW_ONE_HOT:
        if (id == place(row, 0)) {
            return seed % 3 == 0 ? 1.0f : 20.0f;
        }
        return seed % 3 == 2 ? -INFINITY : 0.0f;
    case ROW_MOSTLY_MASKED:
        return h % 64 == 0 || id == place(row, 0) ? gaussian : -INFINITY;
    case ROW_LOWEST:
        if (h % 2 == 0 || id == place(row, 0)) {
            return gaussian;
        }
        return seed % 2 ? -0x1p100f : -FLT_MAX;
    case ROW_TIES:
        return scaled((int32_t)(h % (seed % 2 ? 2 : 5)), -1);
    case ROW_ZEROS:
        return seed % 2 && h % 8 == 7 ? -0.5f : (h % 2 ? -0.0f : 0.0f);
    case ROW_SUBNORMAL:
        return subnormal_value(row, h);
    case ROW_HUGE:
        return huge_value(row, h);
    case ROW_STAIRS: {
        int32_t step = (int32_t)(id / 256) * (1 + (int32_t)(seed / 2 % 8)) * 4096;
        return scaled((seed % 2 ? step : -step) + (int32_t)(h >> 20), -11);
    }
    case ROW_NEGATIVE:
        return scaled(bell(row, id) - 655360, -14);
    case ROW_NAN:
        return is_bad_place(row, id) ? NAN : gaussian;
    case ROW_INFINITE:
        return is_bad_place(row, id) ? INFINITY : gaussian;
    case ROW_EMPTY:
        return -INFINITY;
    default:
        return gaussian;
    }
}

static float huge_probability(const struct row_recipe *row, uint32_t h)
{
    static const int32_t exponents[8] = {14, 15, 24, 60, 127, -20, -100, -103};
    return scaled((int32_t)(0x800000u + (h & 0x7FFFFFu)), exponents[row->seed % 8] - 23);
}

/* Any number of exponents of two, most of them in the middle. */
static float spread_probability(const struct row_recipe *row, uint32_t id)
{
    int32_t exponent = (bell(row, id) + 131072) / 16384 - 22;
    return scaled(1024 + (int32_t)(hash(row->seed, MASK, id) % 1024), exponent);
}

static float probability(const struct row_recipe *row, uint32_t id)
{
    uint32_t seed = row->seed, h = hash(seed, VALUE, id);
    float spread = spread_probability(row, id);
    switch (row->kind) {
    case ROW_PEAKED:
        for (int32_t n = 0; n < 3; n++) {
            if (id == place(row, (uint32_t)n)) {
                return scaled(1, -1 - n);
            }
        }
        return scaled(1 + (int32_t)(h % 1024), -20);
    case ROW_FLAT:
        return scaled(65536 + (int32_t)(h % 256), -26);
    case ROW_EQUAL:
        return scaled(1 + (int32_t)(seed % 7), -10);
    case ROW_ONE_HOT:
        if (id == place(row, 0)) {
            return 1.0f;
        }
        return seed % 2 ? 0.0f : 0x1p-10f;
    case ROW_MOSTLY_MASKED:
        return h % 64 == 0 || id == place(row, 0) ? spread : 0.0f;
    case ROW_LOWEST:
        return h % 2 == 0 || id == place(row, 0) ? spread : FLT_MIN;
    case ROW_TIES:
        return scaled((int32_t)(h % (seed % 2 ? 2 : 5)), -3);
    case ROW_ZEROS:
        return h % 4 == 0 && seed % 2 == 0 ? 0.25f : (h % 2 ? -0.0f : 0.0f);
    case ROW_SUBNORMAL: {
        float value = subnormal_value(row, h);
        return value < -FLT_MIN / 2 ? -value : value;
    }
    case ROW_HUGE:
        return huge_probability(row, h);
    case ROW_STAIRS: {
        int32_t step = (int32_t)(id / 256 % 8) * (1 + (int32_t)(seed / 2 % 8));
        return scaled(4096 + (int32_t)(h >> 20), seed % 2 ? step - 80 : -step - 12);
    }
    case ROW_NEGATIVE:
        return id == place(row, 0) ? -0.5f : spread;
    case ROW_NAN:
        return is_bad_place(row, id) ? NAN : spread;
    case ROW_INFINITE:
        return is_bad_place(row, id) ? INFINITY : spread;
    case ROW_EMPTY:
        return 0.0f;
    default:
        return spread;
    }
}

void row_fill(const struct row_recipe *recipe, void *elements, float *widened)
{
    for (uint32_t id = 0; id < recipe->vocabulary; id++) {
        float value = recipe->input == TOMBOLA_PROBABILITIES ? probability(recipe, id) : logit(recipe, id);
        uint16_t narrow = 0;
        if (recipe->type == TOMBOLA_FLOAT16) {
            narrow = narrow_to_half(value);
            value = widen_half(narrow);
        } else if (recipe->type == TOMBOLA_BFLOAT16) {
            narrow = narrow_to_bfloat(value);
            value = widen_bfloat(narrow);
        }
        if (elements && recipe->type == TOMBOLA_FLOAT32) {
            ((float *)elements)[id] = value;
        } else if (elements) {
            ((uint16_t *)elements)[id] = narrow;
        }
        if (widened) {
            widened[id] = value;
        }
    }
}

void row_mask(uint32_t number, uint32_t vocabulary, uint32_t *words)
{
    memset(words, 0, (vocabulary + 31) / 32 * sizeof *words);
    for (uint32_t id = 0; id < vocabulary; id++) {
        const uint32_t what = number % 8 == 7 ? id / 256 : id;
        const int allowed = hash(number, ALLOWED, what) % (1u << number % 5) == 0 && number % 16 != 15;
        words[id / 32] |= (uint32_t)allowed << id % 32;
    }
}

size_t row_biases(uint32_t number, uint32_t vocabulary, tombola_bias *biases)
{
    size_t count = 0;
    for (uint32_t n = 0; number && n <= number % 40; n++) {
        const int32_t token = (int32_t)(hash(number, BIASED, n) % vocabulary);
        const uint32_t h = hash(number, BIAS, n);
        size_t place = 0;
        while (place < count && biases[place].token != token) {
            place++;
        }
        if (place == count) {
            const float value = h >> 28 == 0 ? -INFINITY : scaled((int32_t)(h % 129) - 64, number % 5 == 4 ? 100 : -3);
            biases[count++] = (tombola_bias){token, value};
        }
    }
    return count;
}

struct row_history row_history(uint32_t number, uint32_t vocabulary)
{
    struct row_history h = {.count = 0};
    if (number == 0) {
        return h;
    }
    h.count = number % 11 ? number % 97 : MOST_ROW_HISTORY;
    for (uint32_t n = 0; n < h.count; n++) {
        const uint32_t drawn = hash(number, HISTORY, n);
        const uint32_t few = vocabulary < 24 ? vocabulary : 24;
        h.tokens[n] = (int32_t)(drawn % (drawn >> 28 < 4 ? vocabulary : few));
    }
    h.prompt = hash(number, PROMPT, 0) % (h.count + 1);
    h.end_token_count = 1 + number % 3;
    for (uint32_t n = 0; n < h.end_token_count; n++) {
        h.end_tokens[n] = (int32_t)(hash(number, ENDS, n) % vocabulary);
    }
    return h;
}
