/* Files that a command writes in the end: found out about before it has done anything. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

/* Whether a file can be written, which stays as it is until then, or stays away. 0, or -1 with a message. */
int output_file_try(const char *path);

/* Whether two paths, NULL for none, are of the same file; not of a device or pipe, which takes both. */
int output_file_is_same(const char *one, const char *other);

#endif
