/* Stands between the library and MPI in programs that have mpi_faults.c: makes calls fail, and changes what is sent. */
#ifndef MPI_FAULTS_H
#define MPI_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/* Of the calls from here on MPI_Iallgather, the nth and so many behind it fail without having begun: MPI_ERR_INTERN. */
void mpi_faults_refuse(size_t nth, size_t times);

/* The nth MPI_Wait fails when all is done. */
void mpi_faults_break_wait(size_t nth);

/* What the nth MPI_Iallgather sends has these bits changed in its word of 32 bits with this place. */
void mpi_faults_change(size_t nth, size_t word, uint32_t bits);

/* Nothing happens any more. */
void mpi_faults_end(void);

#endif
