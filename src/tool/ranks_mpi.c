/* The ranks that a launcher has started, by MPI. */
#include "ranks.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <mpi.h>

#include "launched.h"

#define TAG 1
#define HOST_SIZE 64

/* A packet that is being sent. */
typedef struct sending {
    struct sending *next;
    MPI_Request request;
    packet *packet;
} sending;

static ranks_place own = {0, 1, 0, 1};
static int has_begun, is_settled; /* MPI; and that the first rank goes on behind its arguments */
static struct address {
    long process;
    char host[HOST_SIZE];
} * addresses; /* of each rank */
static sending *sendings;
static FILE *held; /* what was said on standard error meanwhile; NULL: it is not held back */
static int standard_error = -1;

static void hold_back(void)
{
    held = tmpfile();
    fflush(stderr);
    standard_error = dup(STDERR_FILENO);
    if (held)
        dup2(fileno(held), STDERR_FILENO);
}

static void let_go(void)
{
    fflush(stderr);
    if (held)
        dup2(standard_error, STDERR_FILENO);
    if (held)
        fclose(held);
    if (standard_error >= 0)
        close(standard_error);
    held = NULL;
    standard_error = -1;
}

/* Says what was held back, with the rank's name before it. */
static void say_held(const char *joint)
{
    char line[4096];
    FILE *out = fdopen(dup(standard_error), "w");
    fflush(stderr);
    if (!held || !out)
        return;
    rewind(held);
    while (fgets(line, sizeof line, held)) /* which begins with the command's name */
        fprintf(out, "%s%s: %s", ranks_name(own.rank), joint, line);
    fclose(out);
}

static void settle(int status)
{
    is_settled = 1;
    MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (own.rank > 0 && status >= 0) {
        ranks_end();
        exit(status);
    }
}

static void at_exit(int status, void *unused)
{
    (void)unused;
    if (!has_begun)
        return;
    if (own.rank > 0)
        say_held("");
    if (is_settled || own.rank > 0) /* others wait for this one, and would for ever */
        MPI_Abort(MPI_COMM_WORLD, status);
    settle(status);
    ranks_end();
}

static void learn_places(void)
{
    MPI_Comm local;
    char name[MPI_MAX_PROCESSOR_NAME] = "";
    struct address address = {.process = (long)getpid()};
    int length;
    MPI_Comm_rank(MPI_COMM_WORLD, &own.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &own.count);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, own.rank, MPI_INFO_NULL, &local);
    MPI_Comm_rank(local, &own.local);
    MPI_Comm_size(local, &own.local_count);
    MPI_Comm_free(&local);
    MPI_Get_processor_name(name, &length);
    snprintf(address.host, sizeof address.host, "%.*s", HOST_SIZE - 1, name);
    addresses = calloc((size_t)own.count, sizeof *addresses);
    if (!addresses)
        errx(1, "out of memory");
    MPI_Allgather(&address, sizeof address, MPI_BYTE, addresses, sizeof address, MPI_BYTE, MPI_COMM_WORLD);
}

int ranks_begin(void)
{
    int level, status = -1;
    if (launched_count() <= 1)
        return 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS) {
        warnx("MPI can't be begun");
        return -1;
    }
    has_begun = 1;
    on_exit(at_exit, NULL);
    learn_places();
    if (own.rank > 0) {
        hold_back();
        settle(status);
    }
    return 0;
}

ranks_place ranks_own(void)
{
    return own;
}

const char *ranks_name(int rank)
{
    static char name[HOST_SIZE + 32];
    snprintf(name, sizeof name, "rank %d on %s", rank, ranks_host(rank));
    return name;
}

const char *ranks_host(int rank)
{
    return addresses ? addresses[rank].host : "";
}

long ranks_process(int rank)
{
    return addresses ? addresses[rank].process : (long)getpid();
}

void ranks_share(void *bytes, size_t size)
{
    if (!has_begun)
        return;
    if (!is_settled)
        settle(-1);
    MPI_Bcast(bytes, (int)size, MPI_BYTE, 0, MPI_COMM_WORLD);
}

int ranks_check(int failed)
{
    if (!has_begun)
        return failed ? -1 : 0;
    const int mine = failed ? own.rank : own.count;
    int first;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first > 0 && first == own.rank)
        say_held("");
    return first < own.count ? -1 : 0;
}

int ranks_begin_work(int failed, unsigned char *takes_part)
{
    const unsigned char mine = !failed;
    int left = 0;
    takes_part[0] = mine;
    if (has_begun)
        MPI_Allgather(&mine, 1, MPI_BYTE, takes_part, 1, MPI_BYTE, MPI_COMM_WORLD);
    for (int rank = 0; rank < own.count; rank++)
        left += takes_part[rank];
    if (own.rank > 0) {
        if (failed && left > 0) /* else the first one's reason will do */
            say_held(" takes no part");
        let_go();
    }
    return left > 0 ? 0 : -1;
}

static void sweep_sendings(void)
{
    for (sending **at = &sendings; *at;) {
        sending *one = *at;
        int is_done;
        MPI_Test(&one->request, &is_done, MPI_STATUS_IGNORE);
        if (is_done) {
            *at = one->next;
            free(one->packet);
            free(one);
        } else {
            at = &one->next;
        }
    }
}

void ranks_put(int rank, packet *p)
{
    sending *one = malloc(sizeof *one);
    if (!one)
        errx(1, "out of memory");
    sweep_sendings();
    *one = (sending){.next = sendings, .packet = p};
    sendings = one;
    MPI_Isend(&p->head, (int)(sizeof p->head + packet_size(p)), MPI_BYTE, rank, TAG, MPI_COMM_WORLD, &one->request);
}

packet *ranks_take(void)
{
    int is_there = 0, size;
    MPI_Status status;
    if (!has_begun)
        return NULL;
    sweep_sendings();
    MPI_Iprobe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &is_there, &status);
    if (!is_there)
        return NULL;
    MPI_Get_count(&status, MPI_BYTE, &size);
    packet *p = packet_make(PACKET_BYE, 0, 0, (size_t)size - sizeof p->head);
    if (!p)
        errx(1, "out of memory");
    MPI_Recv(&p->head, size, MPI_BYTE, status.MPI_SOURCE, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    p->rank = status.MPI_SOURCE;
    return p;
}

/* MPI_Finalize would take a core from those that still work. */
static void wait_for_all(void)
{
    MPI_Request request;
    int is_done = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (MPI_Test(&request, &is_done, MPI_STATUS_IGNORE); !is_done; MPI_Test(&request, &is_done, MPI_STATUS_IGNORE))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void ranks_end(void)
{
    if (!has_begun)
        return;
    has_begun = 0;
    if (own.rank > 0)
        let_go();
    wait_for_all();
    MPI_Finalize();
    while (sendings) {
        sending *next = sendings->next;
        free(sendings->packet);
        free(sendings);
        sendings = next;
    }
    free(addresses);
    addresses = NULL;
}
