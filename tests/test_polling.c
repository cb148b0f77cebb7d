/* Polling: it tells whether waiting would wait, and does not wait itself. */
#define _DEFAULT_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "entries.h"
#include "flights.h"

enum { PATIENCE = 60 }; /* seconds until the program ends that waits where it must not */

static int poll(tombola_sampler *sampler, size_t number)
{
    int is_done = 77;
    if (tombola_sampler_poll(sampler, flights[number].ticket, &is_done, &error))
        fail_msg("poll %zu: %s", number, error.message);
    assert_in_range(is_done, 0, 1);
    return is_done;
}

/* Until it is done; fails after PATIENCE. */
static void poll_until_done(tombola_sampler *sampler, size_t number)
{
    alarm(PATIENCE);
    while (!poll(sampler, number))
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    alarm(0);
}

/* The device's only thread, for as long as the gate is shut. */
static sem_t gate, at_gate;

static void CL_CALLBACK stand_at_gate(void *nothing)
{
    (void)nothing;
    sem_post(&at_gate);
    while (sem_wait(&gate) != 0) {
    }
}

/* Whether the device stands still now, until open_gate. main has asked PoCL for a single thread. */
static int shut_gate(void)
{
    cl_device_exec_capabilities able = 0;
    cl_command_queue queue = entry_queue(context, 0);
    int is_shut = 0;
    clGetDeviceInfo(tombola_context_cl_device(context), CL_DEVICE_EXECUTION_CAPABILITIES, sizeof able, &able, NULL);
    if (able & CL_EXEC_NATIVE_KERNEL && strstr(device_of(context).name, "pthread") && entry_can_wait(context)) {
        sem_init(&gate, 0, 0);
        sem_init(&at_gate, 0, 0);
        entry_succeed(clEnqueueNativeKernel(queue, stand_at_gate, NULL, 0, 0, NULL, NULL, 0, NULL, NULL),
                      "clEnqueueNativeKernel");
        clFlush(queue);
        while (sem_wait(&at_gate) != 0) {
        }
        is_shut = 1;
    }
    clReleaseCommandQueue(queue);
    return is_shut;
}

static void polling_tells_that_a_batch_is_done_once_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLIGHT_SIZES * 3; i++) {
        const uint32_t room = room_of(flight_sizes[i / 3]);
        tombola_sampler *sampler = make_flying(flight_sizes[i / 3], (tombola_transfer)(i % 3));
        for (size_t n = 0; n < room; n++)
            flight_submit(sampler, n);
        for (size_t n = room; n-- > 0;) {
            poll_until_done(sampler, n);
            assert_int_equal(poll(sampler, n), 1); /* and stays so */
        }
        expect_full(sampler, room); /* done is not yet waited for */
        for (size_t n = 0; n < room; n++) {
            assert_int_equal(poll(sampler, n), 1);
            flight_land(sampler, n);
        }
        tombola_sampler_release(sampler);
    }
}

static void polling_does_not_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLIGHT_SIZES * 3; i++) {
        const uint32_t room = room_of(flight_sizes[i / 3]);
        tombola_sampler *sampler = make_flying(flight_sizes[i / 3], (tombola_transfer)(i % 3));
        if (!shut_gate()) {
            tombola_sampler_release(sampler);
            skip();
        }
        alarm(PATIENCE);
        for (size_t n = 0; n < room; n++)
            flight_submit(sampler, n);
        for (size_t turn = 0; turn < 3; turn++)
            for (size_t n = 0; n < room; n++)
                assert_int_equal(poll(sampler, n), 0);
        expect_full(sampler, room);
        expect_refusals(sampler);
        sem_post(&gate);
        poll_until_done(sampler, room - 1);
        for (size_t n = 0; n < room; n++)
            flight_land(sampler, n);
        alarm(0);
        tombola_sampler_release(sampler);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!getenv("POCL_MAX_PTHREAD_COUNT")) { /* it is read before there is a device */
        setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
        execv("/proc/self/exe", argv);
        die("cannot start again");
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polling_tells_that_a_batch_is_done_once_it_is),
        cmocka_unit_test(polling_does_not_wait),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
