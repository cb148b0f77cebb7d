/* A process that was forked from one that had used OpenCL is told so, by every call and at once; others work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions.h"
#include "calls.h"
#include "faults.h"
#include "harness.h"

static struct columns columns;
static tombola_ticket ticket; /* of a batch of `plain` that is in flight as the process forks */

/* Runs a function in a child; 0, or what the child exited with, or 128 + the signal that ended it. */
static int run_child(int (*run)(void), unsigned seconds)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(seconds);
        _exit(run());
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        die("no child");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static tombola_status try_wait(tombola_error *error)
{
    return tombola_sampler_wait(plain, ticket, error);
}

static tombola_status try_poll(tombola_error *error)
{
    int is_done;
    return tombola_sampler_poll(plain, ticket, &is_done, error);
}

static tombola_status try_memory(tombola_error *error)
{
    tombola_memory memory = tombola_memory_default();
    return tombola_sampler_memory_before(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &memory, error);
}

static int is_told(tombola_status (*action)(tombola_error *))
{
    tombola_error error = tombola_error_default();
    size_t calls = faults_seen().calls;
    tombola_status status = action(&error);
    if (status == TOMBOLA_FORKED && strstr(error.message, "forked") && strstr(error.message, "\"spawn\"") &&
        faults_seen().calls == calls)
        return 1;
    fprintf(stderr, "status %d: %s\n", (int)status, error.message);
    return 0;
}

/* 0, or the number of the call that was not told. */
static int expect_told(void)
{
    static tombola_status (*const actions[])(tombola_error *) = {
        try_list,          try_open,         try_open_cl, try_create,  try_create_staged, try_sample,
        try_sample_staged, try_submit_twice, try_wait,    try_enqueue, try_softmax,       try_top_k,
        try_generate,      try_sample_timed, try_poll,    try_memory,  try_list,          try_open,
    };
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (!is_told(actions[i]))
            return (int)i + 1;
    return 0;
}

/* What a child lets go of is memory alone: no driver is asked. */
static int release_inherited(void)
{
    size_t calls = faults_seen().calls;
    long held = faults_seen().held;
    tombola_sampler_release(plain);
    tombola_sampler_release(staged);
    tombola_sampler_release(timed);
    tombola_context_close(context);
    return faults_seen().calls != calls || faults_seen().held != held;
}

static int expect_told_in_the_next_generation(void)
{
    return run_child(expect_told, 20);
}

static int expect_told_without_a_context(void)
{
    return !is_told(try_list) || !is_told(try_open);
}

static int list_alone(void)
{
    return try_list(NULL) != TOMBOLA_OK || run_child(expect_told_without_a_context, 20);
}

static int use_and_fork(void)
{
    if (open_all(NULL) || try_sample(NULL) || try_submit_twice(NULL) || try_generate(NULL))
        return 1;
    if (run_child(expect_told, 20))
        return 2;
    return try_sample(NULL) || close_all(NULL) ? 3 : 0;
}

static int fork_and_use(void)
{
    return run_child(use_and_fork, 300);
}

static void children_of_a_process_without_opencl_work(void **state)
{
    (void)state;
    assert_int_equal(run_child(use_and_fork, 300), 0);
    assert_int_equal(run_child(fork_and_use, 300), 0);
}

static void refused_calls_are_no_use_of_opencl(void **state)
{
    (void)state;
    tombola_context *opened;
    assert_int_equal(tombola_device_list(NULL, 0, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(tombola_context_open(NULL, NULL, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(tombola_sampler_create(NULL, 1, 1, NULL, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(tombola_context_open_cl(NULL, NULL, NULL, &opened, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(run_child(use_and_fork, 300), 0);
}

static void having_listed_devices_is_use_enough(void **state)
{
    (void)state;
    assert_int_equal(run_child(list_alone, 60), 0);
}

static void children_of_a_process_that_used_it_are_told_by_every_call(void **state)
{
    (void)state;
    assert_int_equal(open_all(state), 0);
    assert_int_equal(submit_rows(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &columns, &ticket, NULL),
                     TOMBOLA_OK);
    assert_int_equal(run_child(expect_told, 20), 0);
    assert_int_equal(run_child(expect_told_in_the_next_generation, 30), 0);
    assert_int_equal(run_child(release_inherited, 20), 0);
    assert_int_equal(try_wait(NULL), TOMBOLA_OK);
    assert_int_equal(try_sample(NULL), TOMBOLA_OK);
    assert_int_equal(close_all(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* In this order: what one has used, the next ones inherit. */
        cmocka_unit_test(children_of_a_process_without_opencl_work),
        cmocka_unit_test(refused_calls_are_no_use_of_opencl),
        cmocka_unit_test(having_listed_devices_is_use_enough),
        cmocka_unit_test(children_of_a_process_that_used_it_are_told_by_every_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
