/* Which device each process of a machine takes where a job has several. */
#ifndef DEVICE_TURNS_H
#define DEVICE_TURNS_H

#include <stddef.h>

/* For the process `local` of `count`: the devices that --device lists, with commas between; all that there are for
 * "all"; else the GPUs, where it asks for these or says nothing, and neither does $TOMBOLA_DEVICE. They are taken in
 * turn. What it names otherwise all take.
 * name   set to what the device is called where it returns 1; else what was asked for stays
 * Also keeps processes that share a CPU from taking all of its cores each, so call it before a device is opened. */
int device_turns_choose(const char *device, int local, int count, char *name, size_t size);

#endif
