/* The files that `tombola sample` is tested with: an array of logits and parameters in CSV. */
#ifndef SAMPLE_FILES_H
#define SAMPLE_FILES_H

#define ROWS 5
#define COLUMNS 300
#define ARRAY "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 300), }"

extern char npy_path[64], csv_path[64];
extern float logits[ROWS * COLUMNS]; /* quarters of small integers: the same in every type */

/* A group's setup, which fills the logits but writes no file yet, and its teardown. */
int make_folder(void **state);
int remove_folder(void **state);

#endif
