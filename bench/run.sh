#!/usr/bin/env bash
# Measures Tombola on this machine, beside the fastest read of the same bytes and, if wanted, beside other samplers.
# usage: bench/run.sh [--quick] [--device NAME] [--peers none|all|NAME,...] [--output FOLDER] [--compare OTHER.json]
#   --quick    fewer and smaller cases, within 3 minutes; all of them take up to 30
#   --device   index or a part of the name, as listed by `tombola devices`
#   --peers    numpy, torch, transformers, llama: installed when named here; by default those that are there already
#   --output   for results.json, .csv, .md and plots (default: build/bench)
#   --compare  prints another run's results.json beside this one; exits with 1 where a share of the read on the same
#              machine has fallen by more than a tenth. bench/compare.sh measures both in turn
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"
. "$root/bench/install_peers.sh"
. "$root/bench/real_rows.sh"

quick='' device=() peers=found output=$root/build/bench other=''
need() { [ "$1" -gt 1 ] || { echo "run.sh: $2 needs a value" >&2; exit 2; }; }
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1; shift ;;
    --device) need $# "$1"; device=(--device "$2"); shift 2 ;;
    --device=*) device=(--device "${1#--device=}"); shift ;;
    --peers) need $# "$1"; peers=$2; shift 2 ;;
    --peers=*) peers=${1#--peers=}; shift ;;
    --output) need $# "$1"; output=$2; shift 2 ;;
    --output=*) output=${1#--output=}; shift ;;
    --compare) need $# "$1"; other=$2; shift 2 ;;
    --compare=*) other=${1#--compare=}; shift ;;
    -h | --help) sed -n '2,9s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "run.sh: what is '$1'? usage: run.sh [--quick] [--device NAME] [--peers LIST] [--output FOLDER]" \
      "[--compare OTHER.json]" >&2
      exit 2 ;;
  esac
done
[ -z "$other" ] || [ -r "$other" ] || { echo "run.sh: --compare $other: there is no such file" >&2; exit 2; }
known=(numpy torch transformers llama)
case $peers in
  none) wanted=() ;;
  all | found) wanted=("${known[@]}") ;;
  *) IFS=, read -ra wanted <<<"$peers"
    for peer in "${wanted[@]}"; do
      [[ " ${known[*]} " == *" $peer "* ]] || { echo "run.sh: '$peer' is none of the peers: ${known[*]}" >&2; exit 2; }
    done ;;
esac

install_missing "${bench_packages[@]}"
if [ "$peers" != found ]; then
  for peer in "${wanted[@]}"; do
    ensure_peer "$peer" || true
  done
fi

section "Building in build/"
build_command quietly

export POCL_AFFINITY=${POCL_AFFINITY:-1}  # else two of PoCL's threads may share a core
mkdir -p "$output"
output=$(cd "$output" && pwd)
[ -z "$other" ] || cp "$other" "$output/old.json"  # it may be the one that this run writes anew
raw=$output/raw.jsonl
: >"$raw"
seconds=0.5
[ -z "$quick" ] || seconds=0.1

# of_run RUN: keeps the results that it reads; RUN tells them from those of others.
of_run() { sed "s/^{/{\"run\":\"$1\",/" >>"$raw"; }

# measure RUN OPTION...: one call of `tombola bench`.
measure() {
  local run=$1
  shift
  section "tombola bench $*"
  "$root/build/tombola" bench "${device[@]}" --seconds "$seconds" --json "$@" | of_run "$run"
}

# measure_peers WORKLOAD ROWS CONFIGS OPTION...: Tombola and others on the same bytes, in turns.
measure_peers() {
  local workload=$1 rows=$2 configs=$3 logits=$output/logits.npy peer commands=()
  shift 3
  section "tombola bench $* --configs $configs, in turns with ${there[*]}"
  for peer in "${there[@]}"; do
    commands+=(-- "$(peer_python)" -B "$root/bench/peers.py" "$peer" "$logits" "$rows" --workload "$workload"
      --configs "$configs")
  done
  "$python" -B "$root/bench/turns.py" "$seconds" \
    -- "$root/build/tombola" bench "${device[@]}" --json --turns "$@" --configs "$configs" \
    --save-logits "$logits" "${commands[@]}" | of_run peers
  rm -f "$logits"
}

real_rows
real_configs=greedy,temperature,top-k,top-p,min-p,top-p-t1,top-p-t1.5,top-p-0.9-t0.7
if [ -n "$quick" ]; then
  measure shapes --shapes 1x32000,1x128256,8x32000,8x128256,8x262144,64x128256
  measure real "${real[@]}" --configs "$real_configs"
  measure workloads --shapes 16x128256 --workloads peaked,gaussian,flat --configs temperature,top-p,min-p
  measure types --shapes 16x128256 --types bfloat16 --configs greedy,temperature,top-k,top-p
  measure controls --shapes 8x128256 --configs all
  peer_shapes=(8x128256)
  peer_configs=greedy,temperature,top-k,top-p,top-k-top-p,min-p peer_real_configs=greedy,top-k,min-p,top-p-t1,top-p-t1.5
else
  measure shapes --shapes 1x32000,1x128256,8x128256,64x128256,64x151936,32x262144,256x32000,256x262144
  measure real "${real[@]}" --types float32,bfloat16 --configs "$real_configs"
  measure rows --shapes 2x128256,4x128256,16x128256,32x128256,128x128256
  measure vocabulary --shapes 32x32000,32x64000
  measure workloads --shapes 64x128256 --workloads peaked,gaussian,flat,ties,masked
  measure worst --shapes 16x128256 --workloads lm,equal,two-values,subnormal,huge \
    --configs temperature,top-k,top-p,top-k-top-p-0.9
  measure types --shapes 64x128256 --types float16,bfloat16
  measure where --shapes 64x128256 --where device,staged
  measure controls --shapes 64x128256 --configs all
  peer_shapes=(8x128256 64x151936 1x128256)
  peer_configs=all peer_real_configs=$real_configs
fi

there=() missing=()
for peer in "${wanted[@]}"; do
  if has_peer "$peer"; then there+=("$peer"); else missing+=("$peer"); fi
done
if [ ${#there[@]} -gt 0 ]; then
  measure_peers real 64 "$peer_real_configs" "${real[@]}"
  for shape in "${peer_shapes[@]}"; do
    measure_peers lm "${shape%x*}" "$peer_configs" --shapes "$shape"
  done
fi

section "Results"
{
  echo "Made by bench/run.sh${quick:+ --quick} on $(date +%F), $(uname -sr), $("$root/build/tombola" --version)."
  echo "Real rows: $about_real."
  echo "Peers measured: ${there[*]:-none}. Missing: ${missing[*]:-none}."
} >"$output/notes.txt"
"$python" -B "$root/bench/report.py" "$output"
rm "$output/notes.txt"
[ ${#missing[@]} -eq 0 ] || echo "Peers that are missing: ${missing[*]} (--peers ${missing[0]} installs)"
echo "In $output: results.md, results.json, results.csv and plots"
if [ -n "$other" ]; then
  section "Beside $other"
  "$python" -B "$root/bench/compare.py" "$output/old.json" "$output/results.json"
fi
