#include "watermark.h"

#include "history.h"
#include "params.h"
#include "philox.h"

enum { CALL_TOKEN, CALL_COUNT };

/* 64 bits from the key, a state of 64 bits and a word. */
static uint64_t absorb(uint64_t key, uint32_t call, uint64_t state, uint32_t word)
{
    struct philox random = random_words(call, PHILOX_USE_MARK, key, state, word);
    return (uint64_t)random.word[0] | (uint64_t)random.word[1] << 32;
}

uint64_t tombola_watermark_seed(uint64_t key, const int32_t *tokens, size_t count)
{
    uint64_t state = absorb(key, CALL_COUNT, 0, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        state = absorb(key, CALL_TOKEN, state, (uint32_t)tokens[i]);
    return state;
}

uint64_t watermark_seed_after(uint64_t key, uint32_t width, const int32_t *tokens, size_t count)
{
    const size_t used = count < width ? count : width;
    return tombola_watermark_seed(key, used ? tokens + (count - used) : NULL, used);
}

/* What a row draws by whose history is these tokens. */
static void convert_row(const tombola_params *params, const struct history *history, struct row_params *device)
{
    tombola_params drawn = *params;
    drawn.seed = watermark_seed_after(params->seed, params->watermark, history->tokens, history->count);
    drawn.offset = 0;
    drawn.stream = 0;
    params_convert_row(&drawn, device);
}

void watermark_convert(const tombola_rows *rows, struct row_params *device)
{
    for (size_t row = 0; row < rows->count; row++) {
        if (!(device[row].flags & ROW_ONE_STREAM))
            continue;
        const tombola_params params = params_of_row(rows->params, row);
        const struct history history = history_of(rows, row);
        convert_row(&params, &history, &device[row]);
    }
}
