/* The OpenCL devices of this machine. */
#ifndef TOMBOLA_SRC_DEVICE_H
#define TOMBOLA_SRC_DEVICE_H

#include "tombola.h"

#include <CL/cl.h>

/* What platforms call themselves. */
#define PLATFORM_POCL "Portable Computing Language"
#define PLATFORM_OCLGRIND "Oclgrind"

struct device {
    cl_device_id id;
    tombola_device info;
};

/* All devices in the order of the list; *devices is to be freed. No platform at all gives *count = 0. */
tombola_status device_load(struct device **devices, size_t *count, tombola_error *error);

/* One of them by its handle. A sub-device is in no list: its index is UINT32_MAX. */
tombola_status device_find(cl_device_id id, struct device *found, tombola_error *error);

/* The one that works in the caller's thread where that one has threads of its own: of the same platform; NULL if there
 * is none. */
const struct device *device_in_thread(const struct device *devices, size_t count, const struct device *of);

/* Fills order[0..count) with the indices of the devices as they are tried by default: GPUs, then
 * CPUs, then the rest, each in the order of the list. */
void device_default_order(const struct device *devices, size_t count, size_t *order);

#endif
