# shellcheck shell=bash disable=SC2034,SC2154  # sourced, behind build.sh, by what has set `root`
# Sourced by bench/run.sh and bench/compare.sh: the rows of a language model that they measure with.

# real_rows: sets the options in `real`, and `about_real`: 64 rows of a model, which the demo installs and which makes
# them once; else those of bench/data.
real_rows() {
  local rows=$root/build/real_rows.npy python=$root/build/demo/bin/python
  if [ ! -e "$rows" ] && [ -x "$python" ]; then
    section "Rows of a language model, build/real_rows.npy"
    quietly cmake --build "$root/build" --parallel "$(nproc)" --target tombola
    PYTHONPATH=$root/src/python TOMBOLA_LIBRARY=$root/build/libtombola.so quietly "$python" -B \
      "$root/bench/real_rows.py" "$rows" || echo "It made none; those that are shipped have to do" >&2
  fi
  real=(--real-rows "$root/bench/data/real_rows_bf16.npy" --dtype bfloat16)
  about_real="16 next-token rows of SmolLM2-135M-Instruct, four times over with their tokens shifted (bench/data)"
  [ -e "$rows" ] || return 0
  real=(--real-rows "$rows")
  about_real="64 next-token rows of SmolLM2-135M-Instruct, of the texts in bench/real_rows.py"
}
