#include "mpi_faults.h"

#include <mpi.h>

#define NEVER SIZE_MAX

static struct {
    size_t refused, times, wait, changed, word;
    uint32_t bits;
} plan = {.refused = NEVER, .wait = NEVER, .changed = NEVER};

void mpi_faults_end(void)
{
    plan.refused = plan.wait = plan.changed = NEVER;
    plan.times = 0;
}

void mpi_faults_refuse(size_t nth, size_t times)
{
    plan.refused = nth;
    plan.times = times;
}

void mpi_faults_break_wait(size_t nth)
{
    plan.wait = nth;
}

void mpi_faults_change(size_t nth, size_t word, uint32_t bits)
{
    plan.changed = nth;
    plan.word = word;
    plan.bits = bits;
}

/* Whether it is this call's turn. */
static int is_due(size_t *nth)
{
    if (*nth == NEVER)
        return 0;
    if (*nth)
        return --*nth, 0;
    return 1;
}

int MPI_Iallgather(const void *from, int count, MPI_Datatype type, void *to, int to_count, MPI_Datatype to_type,
                   MPI_Comm comm, MPI_Request *request)
{
    if (is_due(&plan.refused)) {
        if (--plan.times == 0)
            plan.refused = NEVER;
        return MPI_ERR_INTERN;
    }
    if (is_due(&plan.changed)) {
        ((uint32_t *)(uintptr_t)from)[plan.word] ^= plan.bits;
        plan.changed = NEVER;
    }
    return PMPI_Iallgather(from, count, type, to, to_count, to_type, comm, request);
}

int MPI_Wait(MPI_Request *request, MPI_Status *status)
{
    const int code = PMPI_Wait(request, status);
    if (!is_due(&plan.wait))
        return code;
    plan.wait = NEVER;
    return MPI_ERR_OTHER;
}
