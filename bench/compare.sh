#!/usr/bin/env bash
# Measures another commit and the present files in turn, round by round, and holds one beside the other. Exits with 1
# where one of them is worse: where its share of the read has fallen by more than a tenth, twice.
# usage: bench/compare.sh BASE [--rounds N] [--seconds S] [-- OPTION...]...
#   BASE       a commit, as main or HEAD~3, which is built in build/base; or the `tombola` of another build
#   --rounds   of each case (default: 5)
#   --seconds  for each configuration in a round (default: 0.15)
#   --         options of `tombola bench`, in place of the usual cases, which take 10 minutes; once for each case
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"
. "$root/bench/real_rows.sh"

tree=$root/build/base base='' rounds=5 seconds=0.15
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in
    -h | --help) sed -n '2,9s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    --rounds | --seconds)
      [ $# -gt 1 ] || { echo "compare.sh: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    -*) echo "compare.sh: what is '$1'?" >&2; exit 2 ;;
    *) [ -z "$base" ] || { echo "compare.sh: what is '$1', beside '$base'?" >&2; exit 2; }
      base=$1
      shift ;;
  esac
done
[ -n "$base" ] || { echo "compare.sh: with what? usage: compare.sh BASE [OPTION...]" >&2; exit 2; }

# build_base: the commit's own command, in a working tree of its own, which the next call takes over.
build_base() {
  local commit
  commit=$(git -C "$root" rev-parse --verify --quiet "$base^{commit}") ||
    { echo "compare.sh: '$base' is no commit of this repository, nor a command" >&2; exit 2; }
  section "Building $(git -C "$root" log -1 --format='%h, %s' "$commit") in build/base"
  git -C "$root" worktree prune
  if [ -e "$tree/.git" ]; then
    git -C "$tree" checkout --quiet --force --detach "$commit"
  else
    git -C "$root" worktree add --quiet --force --detach "$tree" "$commit"
  fi
  root=$tree build_command quietly
  old=$tree/build/tombola
}

install_missing "${demo_packages[@]}"
if [ -f "$base" ] && [ -x "$base" ]; then old=$(realpath "$base"); else build_base; fi
section "Building in build/"
build_command quietly
export POCL_AFFINITY=${POCL_AFFINITY:-1}  # else two of PoCL's threads may share a core

if [ $# -eq 0 ]; then
  real_rows
  set -- -- --shapes 64x128256 --configs greedy,temperature,top-k,top-p,top-k-top-p,min-p \
    -- --shapes 64x128256 --types float16,bfloat16 --configs greedy,temperature,top-k,top-p \
    -- --shapes 64x128256 --workloads gaussian,flat --configs top-p,min-p \
    -- --shapes 64x128256 --workloads ties --types bfloat16 --configs top-p \
    -- --shapes 256x32000 --configs greedy,temperature,top-k,top-p \
    -- --shapes 128x262144 --configs greedy,temperature,top-p \
    -- "${real[@]}" --configs greedy,top-p,top-p-t1,top-p-t1.5 \
    -- --shapes 4x128256 --workloads equal,two-values,subnormal,huge --configs top-k-top-p-0.9 \
    -- --shapes 1x128256 --configs greedy,temperature,top-k,top-p \
    -- --shapes 8x128256 --configs mixed,top-n-sigma,typical-p,logprobs,samples-8,mask-bias,penalties
fi
section "$rounds rounds of $seconds s; old is $old"
python3 -B "$root/bench/rounds.py" "$rounds" "$seconds" "$old" "$root/build/tombola" "$@"
