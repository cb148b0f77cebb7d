#include "launched.h"

#include <limits.h>
#include <stdlib.h>

int launched_count(void)
{
    static const char *const NAMES[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_SIZE"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (getenv(NAMES[i]))
            return atoi(getenv(NAMES[i]));
    /* Slurm has its marks in jobs of one process, too, and in shells within. */
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if ((getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("SLURM_PROCID")) && tasks)
        return atoi(tasks);
    return getenv("PMIX_RANK") ? INT_MAX : 1;
}
