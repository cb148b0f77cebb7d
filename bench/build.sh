# shellcheck shell=bash disable=SC2154  # sourced, by what has set `root`
# Sourced by bench/demo.sh, bench/run.sh and tests/run.sh: how they say what they do, and how they build the command.

section() { printf '\n== %s (%d s so far)\n' "$1" "$SECONDS"; }

# Says what it did only where that failed.
quietly() {
  local log
  log=$("$@" 2>&1) || { printf '%s\n' "$log" >&2; return 1; }
}

# cc is asked for by name only where nobody has chosen a compiler before.
choose_compiler() { [ -e "$root/build/CMakeCache.txt" ] || export CC="${CC:-gcc}"; }

# build_command PREFIX...: build/tombola and build/libtombola.so, or what else is in `targets`; the prefix comes before
# each command.
targets=(tombola_tool tombola)
build_command() {
  choose_compiler
  "$@" cmake -S "$root" -B "$root/build"
  "$@" cmake --build "$root/build" --parallel "$(nproc)" --target "${targets[@]}"
}
