#!/usr/bin/env bash
# Runs a program on several ranks: as root too, with more ranks than cores, and on this machine without a network,
# unless OMPI_MCA_btl and OMPI_MCA_plm say otherwise.
# usage: tests/mpirun.sh RANKS [OPTION-OF-MPIRUN...] COMMAND [ARGUMENT...]
set -euo pipefail
ranks=$1
shift
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Ranks that wait give their core to those that compute. Containers forbid to read each other's memory.
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl=${OMPI_MCA_btl:-self,vader} OMPI_MCA_plm=${OMPI_MCA_plm:-isolated}
exec mpirun -n "$ranks" "$@"
