/* What a device is called by those who ask for it: an index, a word, or a part of a name. */
#ifndef TOMBOLA_SRC_DEVICE_NAME_H
#define TOMBOLA_SRC_DEVICE_NAME_H

#include "tombola.h"

/* Whether `name` means this device, as tombola_context_open documents. */
int device_matches(const tombola_device *device, const char *name);

/* Whether it is read as an index. */
int device_is_index(const char *name);

/* Writes "0: name (platform, CPU)". Cut to fit. */
void device_label(const tombola_device *device, char *text, size_t size);

#endif
