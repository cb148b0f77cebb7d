/* Prints text as it comes, in lines that end before the margin. */
#ifndef WRITER_H
#define WRITER_H

#include <stddef.h>
#include <stdio.h>

typedef struct writer {
    FILE *file;
    size_t column; /* characters on the line so far */
} writer;

/* A space may become a line break. */
void writer_put(writer *writer, const char *text);

#endif
