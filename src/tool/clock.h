/* The clock that waits and measurements go by. */
#ifndef CLOCK_H
#define CLOCK_H

/* In seconds; it never goes back. */
double clock_now(void);

#endif
