/* What launchers such as mpirun tell the processes that they start. */
#ifndef LAUNCHED_H
#define LAUNCHED_H

/* How many there are; 1 where no launcher has started this one, INT_MAX where one has, but doesn't say. */
int launched_count(void);

#endif
