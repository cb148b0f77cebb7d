/* The random numbers: Philox4x32-10 and how a draw uses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "harness.h"
#include "philox.h"

static void philox_gives_the_published_answers(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA "/kat_philox.txt", "r");
    assert_non_null(file);
    char line[256];
    int answers = 0;
    while (fgets(line, sizeof line, file)) {
        struct philox counter, expected;
        uint32_t key[2];
        if (line[0] == '#') {
            continue;
        }
        assert_int_equal(sscanf(line, "%x %x %x %x %x %x %x %x %x %x", &counter.word[0], &counter.word[1],
                                &counter.word[2], &counter.word[3], &key[0], &key[1], &expected.word[0],
                                &expected.word[1], &expected.word[2], &expected.word[3]),
                         10);
        struct philox got = philox4x32_10(counter, key[0], key[1]);
        assert_memory_equal(got.word, expected.word, sizeof got.word);
        answers++;
    }
    fclose(file);
    assert_int_equal(answers, 3);
}

static void every_bit_of_seed_offset_and_stream_changes_the_draw(void **state)
{
    (void)state;
    const uint64_t seed = 0x0123456789ABCDEFu, offset = 0xFEDCBA9876543210u;
    const uint32_t stream = 0x0F1E2D3Cu;
    uint64_t seen[1 + 64 + 64 + 32] = {draw_bits(seed, offset, stream)};
    size_t count = 1;
    for (int bit = 0; bit < 64; bit++) {
        seen[count++] = draw_bits(seed ^ UINT64_C(1) << bit, offset, stream);
        seen[count++] = draw_bits(seed, offset ^ UINT64_C(1) << bit, stream);
    }
    for (int bit = 0; bit < 32; bit++) {
        seen[count++] = draw_bits(seed, offset, stream ^ 1u << bit);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(seen[i], seen[j]);
        }
    }
}

static void a_draw_takes_its_words_as_the_contract_lays_them_out(void **state)
{
    (void)state;
    struct philox counter = {{0x89ABCDEFu, 0x01234567u, 0x600DF00Du, 0u}};
    struct philox random = philox4x32_10(counter, 0x76543210u, 0xFEDCBA98u);
    uint64_t expected = (uint64_t)random.word[1] << 32 | random.word[0];
    assert_int_equal(draw_bits(0xFEDCBA9876543210u, 0x0123456789ABCDEFu, 0x600DF00Du), expected);
}

static void words_by_index_are_those_of_their_calls(void **state)
{
    (void)state;
    enum { CALLS = 64 };
    static const uint32_t uses[] = {PHILOX_USE_CDF, PHILOX_USE_TOKENS, PHILOX_USE_BLOCKS,
                                    PHILOX_USE_TOKENS + PHILOX_TAIL};
    static const uint32_t firsts[] = {0, (1u << 21) - CALLS};
    const uint64_t seed = 0xFEDCBA9876543210u, offset = 0x0123456789ABCDEFu;
    for (size_t i = 0; i < COUNT_OF(uses) * COUNT_OF(firsts); i++) {
        const uint32_t use = uses[i / COUNT_OF(firsts)], first = firsts[i % COUNT_OF(firsts)];
        for (uint32_t call = first; call < first + CALLS; call++) {
            struct philox counter = {{0x89ABCDEFu, 0x01234567u, 0x600DF00Du, use * 0x1000000u + call}};
            struct philox expected = philox4x32_10(counter, 0x76543210u, 0xFEDCBA98u);
            struct philox got = random_words(call, use, seed, offset, 0x600DF00Du);
            assert_memory_equal(got.word, expected.word, sizeof got.word);
        }
    }
}

static void sixty_four_neighbouring_indices_share_sixteen_calls(void **state)
{
    (void)state;
    unsigned char used[4 * 64][4] = {{0}};
    for (uint32_t n = 0; n < 4 * 256; n++) {
        assert_int_equal(random_call(n), n / 64 * 16 + n % 16);
        assert_int_equal(random_word(n), n / 16 % 4);
        assert_int_equal(used[random_call(n)][random_word(n)]++, 0);
    }
    assert_int_equal(random_call((1u << 23) - 1), (1u << 21) - 1);
}

__extension__ typedef unsigned __int128 wide;

static void the_upper_half_of_a_product_is_exact(void **state)
{
    (void)state;
    const uint64_t ends[] = {0, 1, 2, 0xFFFFFFFFu, 0x100000000u, 0x7FFFFFFFFFFFFFFFu, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(ends) * COUNT_OF(ends); i++) {
        uint64_t a = ends[i / COUNT_OF(ends)], b = ends[i % COUNT_OF(ends)];
        assert_int_equal(multiply_high(a, b), (uint64_t)((wide)a * b >> 64));
    }
    uint64_t random = 20240607;
    printf("seed %" PRIu64 "\n", random);
    for (int i = 0; i < 1000000; i++) {
        uint64_t a = random_bits(&random), b = random_bits(&random);
        assert_int_equal(multiply_high(a, b), (uint64_t)((wide)a * b >> 64));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(every_bit_of_seed_offset_and_stream_changes_the_draw),
        cmocka_unit_test(a_draw_takes_its_words_as_the_contract_lays_them_out),
        cmocka_unit_test(words_by_index_are_those_of_their_calls),
        cmocka_unit_test(sixty_four_neighbouring_indices_share_sixteen_calls),
        cmocka_unit_test(the_upper_half_of_a_product_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
