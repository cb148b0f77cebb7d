#!/usr/bin/env bash
# Runs a program so that MPI's ranks have different OpenCL runtimes: even ones the first, odd ones the second.
# usage: mpirun -n RANKS tests/mpi_mixed.sh ICD ICD COMMAND [ARGUMENT...]    (ICD: a file for the OpenCL loader)
set -euo pipefail
icds=("$1" "$2")
shift 2
export OCL_ICD_VENDORS=${icds[$((OMPI_COMM_WORLD_RANK % 2))]} TOMBOLA_DEVICE=''
exec "$@"
