#!/usr/bin/env bash
# Runs a program on ranks of two hosts, which are network namespaces of this machine, so that MPI's messages go by TCP.
# usage: tests/mpi_namespaces.sh RANKS COMMAND [ARGUMENT...]    (half of the ranks on each host)
# It needs root, and iproute2. Where namespaces are forbidden it says so and fails.
set -euo pipefail
ranks=$1
shift
id=tombola$$
hosts=("$id"a "$id"b) addresses=(10.211.77.1 10.211.77.2)

scratch=$(mktemp -d)
tidy() {
  local host
  for host in "${hosts[@]}"; do ip netns del "$host" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap tidy EXIT

set_up() {
  ip netns add "${hosts[0]}" && ip netns add "${hosts[1]}" || return
  ip link add veth0 netns "${hosts[0]}" type veth peer name veth0 netns "${hosts[1]}" || return
  local i
  for i in 0 1; do
    ip -n "${hosts[i]}" address add "${addresses[i]}/24" dev veth0
    ip -n "${hosts[i]}" link set veth0 up
    ip -n "${hosts[i]}" link set lo up
  done
}
if ! set_up; then
  echo "mpi_namespaces.sh: no network namespaces can be had: they need root, iproute2, and no container that forbids" \
    "them" >&2
  exit 1
fi

cat >"$scratch/agent" <<END
#!/bin/sh
# How mpirun starts its own on the other host, as a remote shell does: HOST COMMAND...
shift
exec ip netns exec ${hosts[1]} unshare --uts sh -c "hostname ${hosts[1]}; \$*"
END
chmod +x "$scratch/agent"

export OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=veth0 OMPI_MCA_oob_tcp_if_include=veth0
export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$scratch/agent OMPI_MCA_plm_rsh_no_tree_spawn=1
each=$(((ranks + 1) / 2))
ip netns exec "${hosts[0]}" "$(dirname "${BASH_SOURCE[0]}")/mpirun.sh" "$ranks" \
  --host "${addresses[0]}:$each,${addresses[1]}:$each" --map-by node "$@"
