#include "job.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "chunks.h"
#include "progress.h"
#include "ranks.h"
#include "worker.h"

/* Chunks that a worker has at a time: the one that it draws, and the next. */
enum { AHEAD = 2 };

/* How long to wait for a packet: ranks have to be asked. */
#define ASK_MILLISECONDS 1
#define WAIT_MILLISECONDS 100

typedef struct crew_member {
    int is_there; /* and has not said goodbye */
    int is_able;  /* to draw */
    chunk chunks[AHEAD];
    size_t count;
} crew_member;

typedef struct job {
    job_files *files;
    chunks chunks;
    mailbox inbox; /* from the worker of this process */
    worker_thread worker;
    int rank_count;
    crew_member *crew; /* by rank */
    progress progress;
    int has_failed; /* there is no going on */
    int can_write;
} job;

/* Set by a signal. */
static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
    asked_to_end = number;
}

static void listen_to_signals(void (*to)(int))
{
    struct sigaction action = {.sa_handler = to};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void send_to(job *j, int rank, packet *p)
{
    if (!p)
        errx(TOOL_FAILURE, "out of memory");
    if (rank == 0)
        mailbox_put(&j->worker.waiting, p);
    else
        ranks_put(rank, p);
}

/* Gives a rank the next rows, where it has fewer chunks than `most`. */
static void give_chunk(job *j, int rank, size_t most)
{
    crew_member *member = &j->crew[rank];
    if (j->has_failed || !member->is_able || member->count >= most)
        return;
    const chunk next = chunks_take(&j->chunks);
    if (next.count == 0)
        return;
    if (journal_is_open(&j->files->journal) && journal_add_begun(&j->files->journal, rank, next))
        j->has_failed = 1;
    member->chunks[member->count++] = next;
    send_to(j, rank, packet_make(PACKET_ROWS, next.first, next.count, 0));
}

/* One for each before any gets a second. */
static void give_chunks(job *j)
{
    for (size_t most = 1; most <= AHEAD; most++)
        for (int rank = 0; rank < j->rank_count; rank++)
            give_chunk(j, rank, most);
}

static void forget_chunk(crew_member *member, uint64_t first)
{
    for (size_t i = 0; i < member->count; i++)
        if (member->chunks[i].first == first)
            member->chunks[i] = member->chunks[--member->count];
}

static int count_able(const job *j)
{
    int able = 0;
    for (int rank = 0; rank < j->rank_count; rank++)
        able += j->crew[rank].is_able;
    return able;
}

static void say(job *j, int rank, const char *sentence, const char *end)
{
    progress_clear(&j->progress);
    if (j->rank_count > 1)
        warnx("%s: %s%s", ranks_name(rank), sentence, end);
    else
        warnx("%s", sentence);
}

/* A worker draws no more: others are to draw its rows. */
static void lose_worker(job *j, int rank, const char *sentence)
{
    crew_member *member = &j->crew[rank];
    member->is_able = 0;
    for (size_t i = 0; i < member->count; i++)
        if (chunks_return(&j->chunks, member->chunks[i]))
            errx(TOOL_FAILURE, "out of memory");
    member->count = 0;
    const int is_last = count_able(j) == 0;
    say(j, rank, sentence, is_last ? "" : "; it draws no more, and others take its rows");
    j->has_failed |= is_last;
}

static void handle(job *j, packet *p)
{
    crew_member *member = &j->crew[p->rank];
    switch ((packet_kind)p->head.kind) {
    case PACKET_DRAWN:
        forget_chunk(member, p->head.first);
        if (j->can_write && job_files_put(j->files, p)) {
            j->can_write = 0;
            j->has_failed = 1;
        }
        break;
    case PACKET_REFUSED:
        forget_chunk(member, p->head.first);
        if (!j->has_failed) /* else that has been said */
            say(j, p->rank, p->data, "");
        j->has_failed = 1;
        break;
    case PACKET_BROKEN:
        lose_worker(j, p->rank, p->data);
        break;
    case PACKET_BYE:
        member->is_there = 0;
        break;
    case PACKET_ROWS:
    case PACKET_STOP:
        break;
    }
    free(p);
}

static packet *wait_for_packet(job *j)
{
    packet *p = ranks_take();
    return p ? p : mailbox_take(&j->inbox, j->rank_count > 1 ? ASK_MILLISECONDS : WAIT_MILLISECONDS);
}

/* when  "": now
 * host  NULL: there is one worker alone */
static void say_left(chunk rows, const char *when, int rank, const char *host)
{
    const chunk_text text = chunk_describe(rows);
    const char *verb = *when ? rows.count == 1 ? "was" : "were" : rows.count == 1 ? "is" : "are";
    if (host)
        warnx("%s %s not complete%s; rank %d on %s had %s", text.text, verb, when, rank, host,
              rows.count == 1 ? "it" : "them");
    else
        warnx("%s %s not complete%s", text.text, verb, when);
}

static void name_rows_left(const job *j)
{
    for (int rank = 0; rank < j->rank_count; rank++) {
        const crew_member *member = &j->crew[rank];
        for (size_t i = 0; i < member->count; i++) {
            chunk rows = member->chunks[i];
            if (i + 1 < member->count && member->chunks[i + 1].first == rows.first + rows.count)
                rows.count += member->chunks[++i].count;
            say_left(rows, "", rank, j->rank_count > 1 ? ranks_host(rank) : NULL);
        }
    }
}

static void say_how_to_go_on(job *j)
{
    progress_clear(&j->progress);
    if (job_files_can_go_on(j->files))
        warnx("%zu of %zu rows are complete; --resume goes on with the others", j->files->done.rows, j->files->rows);
}

static void end_by_signal(job *j)
{
    progress_clear(&j->progress);
    name_rows_left(j);
    say_how_to_go_on(j);
    listen_to_signals(SIG_DFL);
    raise(asked_to_end);
}

static void draw_all(job *j)
{
    give_chunks(j);
    while (j->files->done.rows < j->files->rows && !j->has_failed) {
        if (asked_to_end)
            end_by_signal(j);
        packet *p = wait_for_packet(j);
        if (p)
            handle(j, p);
        give_chunks(j);
        progress_tell(&j->progress, j->files->done.rows);
    }
}

static int is_anybody_there(const job *j)
{
    int there = 0;
    for (int rank = 0; rank < j->rank_count; rank++)
        there += j->crew[rank].is_there;
    return there > 0;
}

/* Nobody is left waiting: what is on its way comes in, and each says goodbye. */
static void stop_all(job *j)
{
    for (int rank = 0; rank < j->rank_count; rank++)
        if (j->crew[rank].is_there)
            send_to(j, rank, packet_make(PACKET_STOP, 0, 0, 0));
    while (is_anybody_there(j)) {
        packet *p = wait_for_packet(j);
        if (p)
            handle(j, p);
        if (asked_to_end)
            end_by_signal(j);
    }
}

/* What an earlier run has not completed, and who is there now. */
static int begin_journal(job *j)
{
    journal *journal = &j->files->journal;
    for (size_t i = 0; i < journal->left_count; i++) {
        const journal_left *left = &journal->left[i];
        say_left(left->rows, " when the last run ended", left->worker, *left->host ? left->host : NULL);
    }
    for (int rank = 0; rank < j->rank_count; rank++)
        if (j->crew[rank].is_there && journal_add_worker(journal, rank, ranks_host(rank), ranks_process(rank)))
            return -1;
    return 0;
}

static int run(job *j, drawing *own)
{
    j->has_failed = journal_is_open(&j->files->journal) && begin_journal(j);
    if (j->crew[0].is_there && (j->has_failed || worker_start(&j->worker, own, &j->inbox))) {
        j->has_failed = 1; /* the other ranks wait to be told, all the same */
        j->crew[0].is_there = j->crew[0].is_able = 0;
    }
    if (journal_is_open(&j->files->journal))
        listen_to_signals(on_signal);
    if (!j->has_failed)
        draw_all(j);
    const int has_worker = j->crew[0].is_there;
    stop_all(j);
    if (has_worker)
        worker_join(&j->worker);
    listen_to_signals(SIG_DFL);
    progress_clear(&j->progress);
    int failed = j->has_failed || job_files_complete(j->files);
    if (failed)
        say_how_to_go_on(j);
    return failed ? -1 : 0;
}

int job_run(job_files *files, drawing *own, const unsigned char *takes_part, size_t chunk)
{
    job j = {.files = files, .rank_count = ranks_own().count, .can_write = 1};
    const job_options *options = &files->options->job;
    const int shares_terminal = !options->output && isatty(STDOUT_FILENO);
    int failed = -1;
    mailbox_init(&j.inbox);
    j.crew = calloc((size_t)j.rank_count, sizeof *j.crew);
    if (!j.crew || chunks_begin(&j.chunks, files->rows, chunk, &files->done)) {
        warnx("out of memory");
    } else {
        for (int rank = 0; rank < j.rank_count; rank++)
            j.crew[rank].is_there = j.crew[rank].is_able = takes_part[rank];
        progress_begin(&j.progress, !options->is_quiet && !shares_terminal, files->rows, files->done.rows);
        failed = run(&j, own);
    }
    chunks_release(&j.chunks);
    mailbox_destroy(&j.inbox);
    free(j.crew);
    return failed;
}
