#include "process.h"

#include "error.h"

#include <stdatomic.h>
#include <unistd.h>

static atomic_long first; /* the process that used OpenCL first; 0: none has */

static long first_process(void)
{
    long none = 0, own = (long)getpid();
    return atomic_compare_exchange_strong(&first, &none, own) ? own : none;
}

tombola_status process_check(tombola_error *error)
{
    long user = first_process();
    if (user == (long)getpid())
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_FORKED,
                "this process was forked from process %ld, which had used OpenCL, and OpenCL does not live through a "
                "fork: use it in the child first, or start the child anew (Python's multiprocessing: start method "
                "\"spawn\")",
                user);
}

int process_is_forked(void)
{
    long user = atomic_load(&first);
    return user != 0 && user != (long)getpid();
}
