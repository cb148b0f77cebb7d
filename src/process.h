/* Which process may call OpenCL. The one piece of process-wide state: drivers hold threads and locks that a child of
 * fork() lacks, so that any call would hang there, and no object of the library's lives long enough to tell. */
#ifndef TOMBOLA_SRC_PROCESS_H
#define TOMBOLA_SRC_PROCESS_H

#include "tombola.h"

/* To be called before OpenCL is: takes down the first process to come here, and fails with TOMBOLA_FORKED in those
 * that were forked from it since. From any thread. */
tombola_status process_check(tombola_error *error);

/* Whether this is such a child: nothing of OpenCL may be called, not even to release. */
int process_is_forked(void);

#endif
