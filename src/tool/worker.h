/* Draws chunks of rows until there are no more. */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>

#include "drawing.h"
#include "mailbox.h"

/* On a rank of its own, for the first. It returns when it was told to stop. */
void worker_run_rank(drawing *drawing);

/* In a thread of the process that hands out chunks. */
typedef struct worker_thread {
    drawing *drawing;
    mailbox *sent;   /* by the worker */
    mailbox waiting; /* for it */
    pthread_t thread;
} worker_thread;

/* 0, or -1 with a message on standard error. */
int worker_start(worker_thread *worker, drawing *drawing, mailbox *sent);
/* After it was told to stop. */
void worker_join(worker_thread *worker);

#endif
