#include "worker.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ranks.h"

/* How long a rank sleeps that has nothing to do: chunks come ahead of time. */
#define NAP_NANOSECONDS 200000

/* How a worker gets packets, and sends them to who hands out chunks. */
typedef struct worker_post {
    packet *(*take)(void *post); /* waits */
    void (*put)(void *post, packet *packet);
} worker_post;

static packet *draw(drawing *d, const packet *order)
{
    packet *drawn = drawing_draw(d, (size_t)order->head.first, (size_t)order->head.count);
    if (!drawn)
        drawn = packet_of_text(PACKET_BROKEN, order->head.first, order->head.count, "out of memory");
    if (!drawn)
        errx(TOOL_FAILURE, "out of memory");
    if (sizeof drawn->head + packet_size(drawn) > INT32_MAX) { /* more than a message holds */
        free(drawn);
        drawn = packet_of_text(PACKET_REFUSED, order->head.first, order->head.count,
                               "the results of a chunk come to more than 2 GiB: give a smaller --chunk");
    }
    return drawn;
}

/* Returns when it was told to stop. */
static void run(drawing *d, const worker_post *way, void *post)
{
    packet *order;
    int is_broken = 0;
    while ((order = way->take(post)) && order->head.kind == PACKET_ROWS) {
        packet *drawn = is_broken ? NULL : draw(d, order);
        free(order);
        if (drawn) {
            is_broken = drawn->head.kind == PACKET_BROKEN;
            way->put(post, drawn);
        }
    }
    free(order);
    packet *bye = packet_make(PACKET_BYE, 0, 0, 0);
    if (!bye)
        errx(TOOL_FAILURE, "out of memory");
    way->put(post, bye);
}

static packet *take_from_rank(void *post)
{
    (void)post;
    packet *p;
    while (!(p = ranks_take()))
        nanosleep(&(struct timespec){.tv_nsec = NAP_NANOSECONDS}, NULL);
    return p;
}

static void put_to_rank(void *post, packet *p)
{
    (void)post;
    ranks_put(0, p);
}

void worker_run_rank(drawing *d)
{
    run(d, &(const worker_post){take_from_rank, put_to_rank}, NULL);
}

static packet *take_waiting(void *post)
{
    worker_thread *w = post;
    return mailbox_take(&w->waiting, -1);
}

static void put_sent(void *post, packet *p)
{
    worker_thread *w = post;
    mailbox_put(w->sent, p);
}

static void *run_thread(void *post)
{
    worker_thread *w = post;
    run(w->drawing, &(const worker_post){take_waiting, put_sent}, w);
    return NULL;
}

int worker_start(worker_thread *w, drawing *d, mailbox *sent)
{
    sigset_t ends, before;
    w->drawing = d;
    w->sent = sent;
    mailbox_init(&w->waiting);
    sigemptyset(&ends); /* these are for the thread that writes */
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    const int trouble = pthread_create(&w->thread, NULL, run_thread, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (trouble) {
        mailbox_destroy(&w->waiting);
        warnx("no thread: %s", strerror(trouble));
    }
    return trouble ? -1 : 0;
}

void worker_join(worker_thread *w)
{
    pthread_join(w->thread, NULL);
    mailbox_destroy(&w->waiting);
}
