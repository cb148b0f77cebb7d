/* Stands between the library and OpenCL, and between it and malloc, in the programs that are linked with faults.c:
 * makes a call of theirs fail, and keeps count of what they made, so that leaks show. For one thread.
 *
 * In these programs TOMBOLA_CACHE is off from the start: kernels of earlier processes are neither compiled nor edited.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stddef.h>

/* What the library did since faults_begin; of what it holds, all that it ever made. */
struct faults_seen {
    size_t calls;        /* of OpenCL functions, releases aside */
    const char *failed;  /* the call that was made to fail, "malloc" for memory; NULL before */
    size_t created;      /* OpenCL objects, references, events and mapped regions */
    size_t wrapped;      /* buffers over memory that was there before */
    long held;           /* created less released */
    size_t buffer_bytes; /* of the buffers created, those over the caller's memory aside */
    size_t bytes_read;   /* from buffers, by reading and mapping */
    size_t compiled;     /* programs made from source */
    size_t taken;        /* programs made from binaries */
    size_t allocations;  /* of malloc and its kin */
};

/* Waits for an event of OpenCL's whatever is to fail. */
struct _cl_event;
void faults_wait(struct _cl_event *event);

/* Host memory that a buffer lies over, or has lain over since faults_begin. */
struct faults_region {
    const char *start;
    size_t bytes;
    int overlaps; /* memory of another buffer that had not been released when this one was made */
};
size_t faults_region_count(void);
struct faults_region faults_region(size_t index);

/* Counts from nothing, and makes nothing fail any more. */
void faults_begin(void);
struct faults_seen faults_seen(void);

/* Each of these is in force until faults_begin.
 * call  an OpenCL function's name, NULL for any but releases
 * nth   which call of it from here, 0 first; it returns `code` and does nothing else, but
 *       that clFinish and clWaitForEvents do wait and clEnqueueUnmapMemObject does unmap */
void faults_fail(const char *call, size_t nth, int code);
void faults_fail_always(const char *call, int code);

/* Every device, or platform, answers so when it is asked for this property; for FAULTS_ANSWERS of them at once.
 * value  kept until then */
#define FAULTS_ANSWERS 8
void faults_answer(unsigned property, const void *value, size_t size);

/* No buffer may have more bytes: devices say so (CL_DEVICE_MAX_MEM_ALLOC_SIZE), and clCreateBuffer refuses it. */
void faults_limit_buffers(size_t bytes);

/* The nth malloc, calloc, realloc or aligned_alloc of the library, or the test, returns NULL. */
void faults_fail_memory(size_t nth);

/* The library's files have room for so many more bytes, and then the disk is full. It takes writes in small pieces. */
void faults_fill_disk(size_t room);

/* The next program is built with `text` replaced where it first comes up. Dies if it does not. */
void faults_edit_source(const char *text, const char *replacement);

/* Programs are built with `text` in their options replaced where it last comes up, if it does: for options that decide
 * nothing here, so that kernels which a device has compiled already are taken.
 * text, replacement  kept until faults_begin */
void faults_edit_options(const char *text, const char *replacement);
/* What the library had the last program built with, before it was edited. */
const char *faults_options(void);

/* Programs have these bytes for their binary, and no other is made.
 * data  kept until faults_begin */
void faults_answer_binary(const unsigned char *data, size_t size);

/* From here on the device gets a bit wrong in the first word of the buffer that this kernel has for this argument. */
void faults_damage(const char *kernel, unsigned argument);

#endif
