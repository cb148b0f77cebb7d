#!/usr/bin/env bash
# Builds everything, checks it and runs the tests; ends with what ctest says last.
# usage: tests/run.sh [--all] [--peers]
#   --all     the long tests, and those on other OpenCL devices, too: hours
#   --peers   nothing but a comparison with Transformers and llama.cpp, which it installs (minutes, 1 GB)
# It installs what is missing: Debian's packages, and for the Python package's wheel scikit-build-core, ninja and numpy
# into build/wheel (20 MB); with --all Intel's OpenCL runtime besides (280 MB). Where PyPI can't be reached, nor has
# been before, the wheel is left out, and the run fails at its end. All else needs no network but for Debian's packages.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"
. "$root/bench/install_peers.sh"
build=$root/build
jobs=$(nproc)
. "$root/tests/wheel.sh"

# Nothing hangs for ever. Tests have 300 s each (CMakeLists.txt), the long ones of --all and slow devices more; what
# comes before the tests has so many seconds a command.
long_test_seconds=7200
command_seconds=1200

all='' peers=''
for argument; do
  case $argument in
    --all) all=1 ;;
    --peers) peers=1 ;;
    -h | --help) sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "run.sh: what is '$argument'? usage: run.sh [--all] [--peers]" >&2; exit 2 ;;
  esac
done

# limited COMMAND...: ends with 124 where that takes too long.
limited() { timeout --kill-after=10 "$command_seconds" "$@"; }

# configure_and_build FOLDER [OPTION...]
configure_and_build() {
  local folder=$1
  shift
  limited cmake -S "$root" -B "$folder" -DTOMBOLA_WERROR=ON -DTOMBOLA_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    "$@" >/dev/null
  limited cmake --build "$folder" --parallel "$jobs" | { grep -v -E '^\[|^(Consolidate|Scanning|Built)' || true; }
}

# run_tests FOLDER [OPTION...]
run_tests() {
  local folder=$1
  shift
  ctest --test-dir "$folder" --parallel "$jobs" --output-on-failure --no-tests=error "$@"
}

check_layout() {
  find "$root"/{include,src,kernels,tests,bench} -type f \
    \( -name '*.[ch]' -o -name '*.cl' -o -name '*.clh' \) -print0 |
    limited xargs -0 clang-format --dry-run -Werror
}

# Every variant that the library may build, by a compiler that needs no device.
lint_kernels() {
  local lanes
  for lanes in 1 4; do
    printf '%s\n' "-D LANES=$lanes -D TEAMS=$lanes -D WIDTH="{4,8,16}" -D LOGIT_TYPE="{0,1,2}" -D PROBABILITIES="{0,1}
  done |
    limited xargs -P "$jobs" -L 1 clang --target=spir64 -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -Wall \
      -Wextra -Werror -fsyntax-only "$root"/kernels/*.cl
}

# What is not built with clang is compiled for its warnings alone: each file once, as gcc has it in build/.
check_with_clang() {
  limited python3 - "$build"/{,clang/}compile_commands.json <<'END' | limited xargs -0 -P "$jobs" -n 1 sh -c
import json
import sys

every, built = ({entry["file"]: entry for entry in json.load(open(file))} for file in sys.argv[1:])
for file in every.keys() - built.keys():
    folder, (compiler, options) = every[file]["directory"], every[file]["command"].split(None, 1)
    print(f"cd '{folder}' && clang -fsyntax-only {options}", end="\0")
END
}

# with_device LIBRARY COMMAND...: the OpenCL loader sees this runtime alone.
with_device() {
  local icd
  icd=$build/$(basename "$1").icd
  printf '%s\n' "$1" >"$icd"
  shift
  OCL_ICD_VENDORS=$icd TOMBOLA_DEVICE='' "$@"
}
on_pocl() { with_device "$(cat /etc/OpenCL/vendors/pocl.icd)" "$@"; }

# PoCL keeps what it has compiled, and a sanitizer makes its compiler three times as slow: what tests take of it in the
# small share is compiled before.
compile_for_sanitized() {
  TOMBOLA_TEST_SMALL=1 on_pocl run_tests "$build" --tests-regex \
    '^(compile_|test_(candidates_known|devices|faults_devices|growth$|invariance|shards$))'
}

# Sanitizers see what runs on the host. Of these tests that is their own, or what others have run as well; most of it
# takes long, or has kernels compiled that no other test wants.
not_sanitized='bench_workloads|command_(bench|config|ranks.*|show)|counters.*|devices_properties'
not_sanitized="$not_sanitized|kernel_cache_(choice|device)|list|mpi(_failures)?|narrow|race_law|shards_rounds"
not_sanitized="test_($not_sanitized|stages.*|textbook|weight)"

# PoCL alone: what other runtimes leak and unload again cannot be told from leaks of ours. Up to gcc 13 the address
# sanitizer's interceptor of __tls_get_addr takes a block of thread-local memory at some offsets in its page for one
# with a header, as glibc's were before 2.25, and the leak check at the end then reads where nothing is.
run_sanitized() {
  TOMBOLA_TEST_SMALL=1 UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=intercept_tls_get_addr=0 \
    LSAN_OPTIONS="suppressions=$root/tests/leaks.supp:print_suppressions=0" \
    on_pocl run_tests "$build/sanitize"
}

# The library on Intel's runtime, which the package brings by pip; and the package, on a machine with nothing else.
run_on_intel() {
  local environment=$wheel/intel
  fetch intel intel-opencl-rt intel-cmplr-lib-rt
  new_environment "$environment" python3
  install_package "$environment" "tombola[cpu]"
  hide_drivers "$environment"
  "$environment/bin/python" -I -c 'import tombola
assert [d.platform for d in tombola.devices()] == ["Intel(R) OpenCL"], tombola.devices()'
  test_package "$environment"
  with_device "$environment/lib/libintelocl.so" run_tests "$build" --timeout "$long_test_seconds"
  POCL_MAX_PTHREAD_COUNT=1 timeout "$long_test_seconds" "$root/tests/mpirun.sh" 8 "$root/tests/mpi_mixed.sh" \
    /etc/OpenCL/vendors/pocl.icd "$build/libintelocl.so.icd" "$build/tests/test_mpi"
}

# Messages by TCP, as between machines.
run_on_two_hosts() {
  local test
  for test in test_mpi test_mpi_failures; do
    POCL_MAX_PTHREAD_COUNT=1 on_pocl limited "$root/tests/mpi_namespaces.sh" 8 "$build/tests/$test"
  done
}

# The package beside PyPI's newest torch and Transformers: 5 GB with the CUDA libraries that come along.
run_with_torch() {
  local environment=$wheel/torch
  new_environment "$environment" python3
  timeout "$long_test_seconds" "$environment/bin/pip" --quiet --disable-pip-version-check \
    install numpy torch transformers
  install_package "$environment" tombola
  on_pocl test_package "$environment"
}

# run_on_oclgrind CHECK CTEST-OPTION...: Oclgrind reports what it finds and goes on, so that its log must be empty.
# Optimised code it gets wrong: it widens a vector's true to 255.
run_on_oclgrind() {
  local log=$build/oclgrind.log
  rm -f "$log"
  TOMBOLA_TEST_SMALL=1 OCLGRIND_BUILD_OPTIONS=-cl-opt-disable OCLGRIND_LOG=$log \
    with_device /usr/lib/oclgrind/liboclgrind-rt-icd.so env "$1=1" ctest --test-dir "$build" --parallel "$jobs" \
    --output-on-failure --no-tests=error --timeout "$long_test_seconds" "${@:2}"
  [ ! -s "$log" ] || { head -n 100 "$log" >&2; return 1; }
}

# The packages themselves say what they do: by hand, since versions of theirs come and go.
compare_with_peers() {
  install_missing "${demo_packages[@]}"
  ensure_peer transformers
  ensure_peer llama
  section "Build"
  build_command quietly limited
  section "Beside Transformers and llama.cpp"
  limited "$(peer_python)" -B "$root/tests/side_by_side.py" "$build/tombola" transformers llama
}

if [ -n "$peers" ]; then compare_with_peers; exit; fi
if [ -n "$all" ]; then install_missing "${long_test_packages[@]}"; else install_missing "${test_packages[@]}"; fi

section "What PyPI has for the Python package"
has_packages=1
fetch package scikit-build-core ninja numpy || has_packages=''

section "Layout of the code"
check_layout

section "Kernels, without a device"
lint_kernels

section "Build with gcc"
choose_compiler
configure_and_build "$build"

section "Build with clang"
host_tests='test_(api|limits|logarithm|mistakes|oracle|params_table|philox|weight)'
CC=clang configure_and_build "$build/clang" -DTOMBOLA_TOOL=OFF -DTOMBOLA_TESTS_ONLY="$host_tests" \
  -DTOMBOLA_TEST_STRIDE="$([ -n "$all" ] && echo 1 || echo 7)"
check_with_clang

section "Tests that have most kernels compiled, small share"
compile_for_sanitized

section "Tests of what the host computes, as clang compiles it"
run_tests "$build/clang" --tests-regex "^($host_tests|readme_example)\$"

section "Tests under the address and undefined-behaviour sanitizers, small share"
[ -z "$all" ] || not_sanitized=''
CC=gcc configure_and_build "$build/sanitize" -DCMAKE_BUILD_TYPE=Sanitized -DCMAKE_C_FLAGS='-O1 -g1' \
  -DTOMBOLA_SANITIZE=address,undefined -DTOMBOLA_TESTS_WITHOUT="$not_sanitized"
run_sanitized

section "Python package: its wheel, installed into an empty environment"
if [ -n "$has_packages" ]; then
  build_wheel
  install_package "$wheel/environment" tombola
  on_pocl test_package "$wheel/environment"
else
  echo "left out: see above"
fi

if [ -n "$all" ]; then
  section "Tests on Intel's OpenCL runtime for CPUs"
  [ -z "$has_packages" ] || run_on_intel
  section "Ranks of MPI on two hosts, which are network namespaces"
  run_on_two_hosts
  section "Python package beside torch and Transformers"
  [ -z "$has_packages" ] || run_with_torch
  section "Tests on Oclgrind, small share: data races"
  # the command's tests and ranks start it too often to be worth the hours; what is compiled before is not kept
  run_on_oclgrind OCLGRIND_DATA_RACES --exclude-regex '^(test_command|test_mpi|compile_|python_)'
  section "Tests on Oclgrind, small share: uninitialised memory"
  # rows side by side only: it takes what a strided upload has written for uninitialised (and see kept_buffers.c)
  limited cmake --build "$build" --target kept_buffers >/dev/null
  LD_PRELOAD=$build/tests/libkept_buffers.so \
    run_on_oclgrind OCLGRIND_UNINITIALIZED --tests-regex '^(test_stages|readme_example)$'
  section "Tests with subnormal numbers flushed"
  TOMBOLA_TEST_BUILD_OPTIONS=-cl-denorms-are-zero run_tests "$build"
  export TOMBOLA_TEST_ALL=1
fi

section "Tests"
run_tests "$build" ${all:+--timeout "$long_test_seconds"}
if [ -z "$has_packages" ]; then
  echo "run.sh: not tested is the Python package's wheel, as what it needs of PyPI can't be had" >&2
  exit 1
fi
