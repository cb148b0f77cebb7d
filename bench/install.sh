# shellcheck shell=bash disable=SC2034  # sourced
# Sourced by tests/run.sh and the scripts of bench/: the Debian packages they need and how to get them, and where
# those of PyPI go.

demo_packages=(
  gcc                 # compiles the library and the command
  libc6-dev           # C headers, which gcc only recommends
  cmake               # the build
  make                # runs it
  pkg-config          # finds jansson
  ocl-icd-opencl-dev  # OpenCL headers and the loader that finds devices at run time
  pocl-opencl-icd     # an OpenCL device for every CPU
  libjansson-dev      # JSON for the command
  libcsv-dev          # CSV for the command
  python3             # runs the demo
  python3-venv        # folders of its own for what PyPI has: the demo's language model, what builds a wheel
  python3-numpy       # the arrays of the tests, and of the demo where PyPI can't be reached
)

mpi_packages=(
  libopenmpi-dev      # MPI: vocabularies and rows that several processes share
  openmpi-bin         # starts them
)

test_packages=(
  "${demo_packages[@]}"
  "${mpi_packages[@]}"
  libcmocka-dev       # the test framework
  g++                 # compiles the header as a caller in C++ does
  clang               # a second compiler, and the check of the kernels without a device
  clang-format        # the check of the layout
  python3-mypy        # checks the Python package's types
  python3-mpi4py      # MPI for the Python package
  python3-pyopencl    # OpenCL buffers of another package's, which the Python package takes
)

bench_packages=(
  "${demo_packages[@]}"
  python3-matplotlib  # the plots
)

ranks_packages=(
  "${bench_packages[@]}"
  "${mpi_packages[@]}"
)

long_test_packages=(
  "${test_packages[@]}"
  oclgrind            # an OpenCL device that sees data races
  iproute2            # network namespaces, in which ranks of MPI are on two hosts
)

# install_missing PACKAGE...: installs those that are not there, and nothing else.
install_missing() {
  local package missing=() as_root=()
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "This is no Debian: please see to it that these are installed, by the names they have here: $*" >&2
    return 0
  fi
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  echo "== Installing what is missing: ${missing[*]}"
  for package in "${missing[@]}"; do
    sed -n "s/^  \($package\)  *# /   \1: /p" "${BASH_SOURCE[0]}" | head -n 1
  done
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || { ! sudo -n true 2>/dev/null && [ ! -t 0 ]; }; then
      echo "This needs root, and sudo is not to be had. Please have this run, then try again:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# new_environment FOLDER PYTHON [OPTION...]: one for packages of PyPI, made by Python's venv with its options, unless
# there is one already.
new_environment() {
  local folder=$1 python=$2
  shift 2
  "$folder/bin/pip" --version >/dev/null 2>&1 || "$python" -m venv --clear "$@" "$folder"
}
