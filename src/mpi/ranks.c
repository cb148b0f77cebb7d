#include "ranks.h"

#include "error.h"

#include <string.h>

/* ------------------------------------------------------------------ MPI */

tombola_status fail_mpi(tombola_error *error, const char *call, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        text[0] = '\0';
    return fail(error, TOMBOLA_TRANSPORT_FAILED, "%s failed: %s (%d)", call, text[0] ? text : "unknown error", code);
}

tombola_status ranks_check_mpi(tombola_error *error)
{
    int is_up = 0, is_down = 0, level = MPI_THREAD_SINGLE, is_main = 1;
    MPI_Initialized(&is_up);
    if (!is_up)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "MPI is not initialised: call MPI_Init_thread first");
    MPI_Finalized(&is_down);
    if (is_down)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "MPI is finalised already");
    MPI_Query_thread(&level);
    MPI_Is_thread_main(&is_main);
    if (level < MPI_THREAD_SERIALIZED && !is_main)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "MPI is initialised for its main thread alone, and this is another: ask MPI_Init_thread for "
                    "MPI_THREAD_SERIALIZED");
    return TOMBOLA_OK;
}

/* ------------------------------------------------------------------ communicator */

static tombola_status check(MPI_Comm comm, tombola_error *error)
{
    int is_inter = 0;
    if (comm == MPI_COMM_NULL)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "comm is MPI_COMM_NULL");
    const int code = MPI_Comm_test_inter(comm, &is_inter);
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Comm_test_inter", code);
    return is_inter ? fail(error, TOMBOLA_INVALID_ARGUMENT,
                           "comm is an inter-communicator: MPI_Intercomm_merge makes one that will do")
                    : TOMBOLA_OK;
}

tombola_status ranks_open(struct ranks *ranks, MPI_Comm comm, tombola_error *error)
{
    MPI_Errhandler handler;
    tombola_status status = check(comm, error);
    if (status)
        return status;
    /* Whatever errors do on the caller's communicator, here they are returned. */
    int code = MPI_Comm_get_errhandler(comm, &handler);
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Comm_get_errhandler", code);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    code = MPI_Comm_dup(comm, &ranks->comm);
    MPI_Comm_set_errhandler(comm, handler);
    MPI_Errhandler_free(&handler);
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Comm_dup", code);
    MPI_Comm_set_errhandler(ranks->comm, MPI_ERRORS_RETURN);
    MPI_Comm_size(ranks->comm, &ranks->count);
    MPI_Comm_rank(ranks->comm, &ranks->rank);
    ranks->failure = tombola_error_default();
    ranks->rows_name = "rows.count";
    return TOMBOLA_OK;
}

void ranks_close(struct ranks *ranks)
{
    int is_down = 0;
    MPI_Finalized(&is_down);
    if (!is_down)
        MPI_Comm_free(&ranks->comm);
}

/* ------------------------------------------------------------------ failures */

void ranks_keep_failure(struct ranks *ranks, const tombola_error *failure)
{
    if (ranks->failure.status == TOMBOLA_OK)
        ranks->failure = *failure;
}

tombola_status ranks_tell(const struct ranks *ranks, int who, tombola_error *error)
{
    struct {
        int32_t status;
        char message[TOMBOLA_ERROR_MESSAGE_SIZE];
    } told = {.status = (int32_t)ranks->failure.status};
    memcpy(told.message, ranks->failure.message, sizeof told.message);
    const int code = MPI_Bcast(&told, sizeof told, MPI_BYTE, who, ranks->comm);
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Bcast", code);
    told.message[sizeof told.message - 1] = '\0';
    return fail(error, (tombola_status)told.status, "rank %d: %s", who, told.message);
}

tombola_status ranks_settle(const struct ranks *ranks, tombola_error *error)
{
    const int own = ranks->failure.status ? ranks->rank : ranks->count;
    int first;
    const int code = MPI_Allreduce(&own, &first, 1, MPI_INT, MPI_MIN, ranks->comm);
    if (code != MPI_SUCCESS)
        return fail_mpi(error, "MPI_Allreduce", code);
    return first < ranks->count ? ranks_tell(ranks, first, error) : TOMBOLA_OK;
}
