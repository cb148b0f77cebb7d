/* What a driver reads from the environment before there is a device. */
#ifndef RESTART_H
#define RESTART_H

/* Runs the program again with this variable set so, unless it is. */
void restart_with(char **argv, const char *variable, const char *value);

#endif
