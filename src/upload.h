/* Memory of a batch's own that the host fills and kernels read: wrapped as a buffer where the device shares memory,
 * else copied to one of the device's. It is made when first needed, and anew when more of it is. */
#ifndef TOMBOLA_SRC_UPLOAD_H
#define TOMBOLA_SRC_UPLOAD_H

#include "tombola.h"

#include <CL/cl.h>

struct batch;

struct upload {
    void *host;     /* mapped from `pinned`, or plain memory where that is NULL; NULL where nothing is made */
    size_t room;    /* bytes */
    cl_mem pinned;  /* NULL on devices that share memory */
    cl_mem device;  /* likewise */
    cl_mem wrapped; /* `host`, for the batch under way; NULL: it is not wrapped */
};

/* Makes room for so many bytes, at least 1; what is in the old one is lost. A failure leaves it as it was.
 * what  for messages: "masks" */
tombola_status upload_reserve(struct batch *batch, struct upload *upload, size_t bytes, const char *what,
                              tombola_error *error);

/* Sends the first `bytes` bytes. *buffer is set to the buffer that kernels read, which is borrowed. */
tombola_status upload_send(struct batch *batch, struct upload *upload, size_t bytes, const char *what, cl_mem *buffer,
                           tombola_error *error);

/* Lets go of what the batch under way had wrapped. */
void upload_settle(struct upload *upload);

/* Releases all that it has of OpenCL, once the batch's commands have completed; then, its memory. */
void upload_release_cl(struct batch *batch, struct upload *upload);
void upload_free(struct upload *upload);

#endif
