/* What the promise of equal tokens, and the kernels, need of a device. */
#ifndef TOMBOLA_SRC_DEVICE_CHECK_H
#define TOMBOLA_SRC_DEVICE_CHECK_H

#include "device.h"

/* Asks the device for each property, and fails with TOMBOLA_NO_DEVICE at the first that it lacks: the message names the
 * property and what the device says. */
tombola_status device_check(const struct device *device, tombola_error *error);

#endif
