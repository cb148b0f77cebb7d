/* The known answers of rows with masks, biases and histories, by either dispatch, and what was kept last, beside the
 * oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "known.h"
#include "known_batch.h"

static void every_known_answer_of_rows_with_masks_and_biases_comes_out(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_restricted_read(&count);
    known_answers_run(answers, count);
    free(answers);
}

static void every_known_answer_of_rows_with_histories_comes_out(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_file_read("known_processors.txt", &count);
    known_answers_run(answers, count);
    free(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_answer_of_rows_with_masks_and_biases_comes_out),
        cmocka_unit_test(every_known_answer_of_rows_with_histories_comes_out),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
