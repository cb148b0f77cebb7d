/* A batch under way: the memory that it works in, the commands that it consists of, and what is to be let go
 * when they have completed. A sampler has two, so that one batch can be made ready while another runs. */
#ifndef TOMBOLA_SRC_FLIGHT_H
#define TOMBOLA_SRC_FLIGHT_H

#include "tombola.h"
#include "row.h"

#include <CL/cl.h>

#define FLIGHTS 2
#define MAX_PARTS 32                   /* that a staged batch is cut into */
#define MAX_EVENTS (3 * MAX_PARTS + 4) /* a write and two launches for each; parameters, reading, results */
#define SLOTS 2                        /* of pinned memory: one is filled while the other is in transfer */

/* What an enqueued command counts for in tombola_times. */
enum work { WORK_UPLOAD, WORK_KERNEL, WORK_READ };

struct flight {
    /* Made with the sampler. */
    cl_mem tops;  /* max_rows x blocks keys */
    cl_mem sums;  /* max_rows x blocks sums */
    cl_mem draws; /* max_rows struct row_draw */
    struct row_params *host_params;
    struct row_draw *host_draws;
    /* And these where host logits are staged; else NULL. */
    cl_mem params;  /* max_rows struct row_params */
    cl_mem logits;  /* max_rows x vocabulary */
    cl_mem staging; /* SLOTS slots of pinned memory, mapped for good */
    char *staged;   /* where it is mapped */

    /* Of the batch under way. */
    uint64_t number; /* counts the sampler's batches from 1; 0 if there is none under way */
    int is_awaited;  /* a caller has its number as a ticket, and will ask for its draws */
    size_t rows;
    cl_command_queue queue; /* borrowed */
    int is_chained;         /* each command waits for the one before: the queue may be out of order */
    cl_uint wait_count;     /* what the next command waits for */
    const cl_event *wait_list;
    cl_mem wrapped_logits, wrapped_params; /* over host memory, in place */
    cl_event events[MAX_EVENTS];
    enum work works[MAX_EVENTS];
    int event_count;
};

/* Makes a flight's memory. What a failure leaves behind is for flight_release. */
tombola_status flight_make(tombola_sampler *sampler, struct flight *flight, tombola_error *error);

/* Waits for the batch under way, if any, and releases what the flight has of OpenCL: host_params and host_draws are
 * left for the sampler to free. */
void flight_release(tombola_sampler *sampler, struct flight *flight);

/* Finds a flight without a batch. Where there is none, the oldest batch that no caller holds a ticket for is waited
 * for; with none of these either, the call is refused. */
tombola_status flight_take(tombola_sampler *sampler, struct flight **flight, tombola_error *error);

/* A batch of so many rows is now under way, its commands to go to that queue. */
void flight_start(tombola_sampler *sampler, struct flight *flight, size_t rows, cl_command_queue queue);

/* Where the next command is to leave its event; and, once it is enqueued, what it was for. */
cl_event *flight_event(struct flight *flight);
void flight_enqueued(struct flight *flight, enum work work);

/* Waits for the batch, takes its times and lets go of what it held. After a failure, whose status is passed on, each
 * of its commands is waited for: they may be in queues of their own, and host memory in use. */
tombola_status flight_land(tombola_sampler *sampler, struct flight *flight, tombola_status status,
                           tombola_error *error);

#endif
