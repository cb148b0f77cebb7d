#include "sample_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

char npy_path[64], csv_path[64];
float logits[ROWS * COLUMNS];
static char folder[] = "/tmp/tombola-test-XXXXXX";

int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(npy_path, sizeof npy_path, "%s/logits.npy", folder);
    snprintf(csv_path, sizeof csv_path, "%s/params.csv", folder);
    uint64_t random = 1;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        logits[i] = (float)random_below(&random, 48) / 4 - 6;
    return 0;
}

int remove_folder(void **state)
{
    (void)state;
    unlink(npy_path);
    unlink(csv_path);
    return rmdir(folder);
}
