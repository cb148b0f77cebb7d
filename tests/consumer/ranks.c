/* A user of tombola_mpi.h, in what C and C++ have in common: two ranks, each with half of a row's columns. Exit status 0
 * if both draw the most likely token. */
#include <tombola_mpi.h>

#include <stdio.h>

static tombola_error error = {sizeof(tombola_error), TOMBOLA_OK, ""};

static int draws(tombola_context *context, int rank)
{
    float logits[256];
    tombola_params params = tombola_params_default();
    params.temperature = 0;
    int32_t token = -1;
    size_t first, last;
    tombola_mpi_sampler *sampler;
    for (int i = 0; i < 256; i++)
        logits[i] = (float)(rank && i == 44);
    tombola_rows rows = tombola_rows_default();
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    tombola_results results = tombola_results_default();
    results.tokens.host = &token;
    tombola_mpi_columns(512, 2, rank, &first, &last);
    if (tombola_mpi_sampler_create(context, MPI_COMM_WORLD, 512, first, last, 1, NULL, &sampler, &error))
        return 0;
    const tombola_status status = tombola_mpi_sampler_sample(sampler, &rows, &results, &error);
    tombola_mpi_sampler_release(sampler);
    return status == TOMBOLA_OK && token == 256 + 44;
}

int main(int argc, char **argv)
{
    int level, rank;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    tombola_context *context = NULL;
    tombola_context_open(NULL, NULL, &context, &error);
    const int is_right = draws(context, rank);
    if (!is_right)
        fprintf(stderr, "rank %d: %s\n", rank, error.message);
    tombola_context_close(context);
    MPI_Finalize();
    return !is_right;
}
