#include "mailbox.h"

#include <stdlib.h>
#include <time.h>

void mailbox_init(mailbox *m)
{
    pthread_condattr_t attributes;
    *m = (mailbox){0};
    pthread_mutex_init(&m->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&m->change, &attributes);
    pthread_condattr_destroy(&attributes);
}

void mailbox_destroy(mailbox *m)
{
    for (packet *p; (p = mailbox_take(m, 0));)
        free(p);
    pthread_cond_destroy(&m->change);
    pthread_mutex_destroy(&m->mutex);
}

void mailbox_put(mailbox *m, packet *p)
{
    p->next = NULL;
    pthread_mutex_lock(&m->mutex);
    if (m->last)
        m->last->next = p;
    else
        m->first = p;
    m->last = p;
    pthread_cond_signal(&m->change);
    pthread_mutex_unlock(&m->mutex);
}

packet *mailbox_take(mailbox *m, long milliseconds)
{
    struct timespec end;
    int is_late = milliseconds == 0;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&m->mutex);
    while (!m->first && !is_late)
        is_late = (milliseconds < 0 ? pthread_cond_wait(&m->change, &m->mutex)
                                    : pthread_cond_timedwait(&m->change, &m->mutex, &end)) != 0;
    packet *p = m->first;
    if (p && !(m->first = p->next))
        m->last = NULL;
    pthread_mutex_unlock(&m->mutex);
    return p;
}
