/* Of a build without MPI: one rank. */
#include "ranks.h"

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "launched.h"

int ranks_begin(void)
{
    if (launched_count() <= 1)
        return 0;
    warnx("was started on several ranks, but built without MPI; build it with -DTOMBOLA_MPI=ON, or start it alone");
    return -1;
}

ranks_place ranks_own(void)
{
    return (ranks_place){0, 1, 0, 1};
}

void ranks_share(void *bytes, size_t size)
{
    (void)bytes, (void)size;
}

int ranks_check(int failed)
{
    return failed ? -1 : 0;
}

int ranks_begin_work(int failed, unsigned char *takes_part)
{
    takes_part[0] = !failed;
    return failed ? -1 : 0;
}

const char *ranks_name(int rank)
{
    (void)rank;
    return "this process";
}

const char *ranks_host(int rank)
{
    (void)rank;
    return "";
}

long ranks_process(int rank)
{
    (void)rank;
    return (long)getpid();
}

void ranks_put(int rank, packet *p)
{
    (void)rank;
    free(p);
}

packet *ranks_take(void)
{
    return NULL;
}

void ranks_end(void) {}
