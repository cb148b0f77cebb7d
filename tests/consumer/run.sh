#!/usr/bin/env bash
# Builds programs with the library in one of the ways that its users have, and runs them.
# usage: run.sh cmake|pkg-config|subdirectory BUILD SCRATCH EXAMPLE
#   BUILD: the library's build folder; SCRATCH: a folder to be made anew; EXAMPLE: the README's example, a file
set -euo pipefail
way=$1 build=$2 scratch=$3 example=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cc=${CC:-cc}

rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"

# expect_draws PROGRAM: the README's example, with the tokens that it is to draw
expect_draws() {
  "$1" | tee example.out
  grep -q '^tokens 1 and [0-3]$' example.out
}

# run_ranks PROGRAM: on two ranks
run_ranks() { "$here/../mpirun.sh" 2 "$1"; }

# build_project FOLDER OPTION...
build_project() {
  local folder=$1 program
  cmake -S "$here" -B "$folder" -D EXAMPLE="$example" -D CMAKE_C_COMPILER="$cc" "${@:2}"
  cmake --build "$folder"
  for program in "$folder"/program_*; do "$program"; done
  for program in "$folder"/example_*; do expect_draws "$program"; done
  [ ! -e "$folder/ranks_tombola_mpi" ] || for program in "$folder"/ranks_*; do run_ranks "$program"; done
}

# build_plainly PREFIX SUFFIX PKG-CONFIG-OPTION...: with a compiler and pkg-config alone. Only those who call OpenCL
# themselves have to ask for it.
build_plainly() {
  local flags
  PKG_CONFIG_PATH=$(dirname "$(find "$PWD/$1" -name tombola.pc)")
  export PKG_CONFIG_PATH
  read -ra flags <<<"$(pkg-config --cflags --libs "${@:3}" tombola)"
  "$cc" -std=c11 -Wall -Wextra -Werror "$example" -o "example_$2" "${flags[@]}"
  read -ra flags <<<"$(pkg-config --cflags --libs "${@:3}" tombola OpenCL)"
  "$cc" -std=c11 -Wall -Wextra -Werror "$here/program.c" -o "program_$2" "${flags[@]}"
  pkg-config --exists tombola_mpi || return 0
  read -ra flags <<<"$(pkg-config --cflags --libs "${@:3}" tombola_mpi)"
  "$cc" -std=c11 -Wall -Wextra -Werror "$here/ranks.c" -o "ranks_$2" "${flags[@]}"
}

# run_with LIBRARY-FOLDER SUFFIX
run_with() {
  LD_LIBRARY_PATH=$1:${LD_LIBRARY_PATH:-} "./program_$2"
  LD_LIBRARY_PATH=$1:${LD_LIBRARY_PATH:-} expect_draws "./example_$2"
  [ ! -e "ranks_$2" ] || LD_LIBRARY_PATH=$1:${LD_LIBRARY_PATH:-} run_ranks "./ranks_$2"
}

# Moved, a prefix serves as well: nothing in it knows where it was.
case $way in
  cmake)
    cmake --install "$build" --prefix "$PWD/prefix"
    build_project built -D CMAKE_PREFIX_PATH="$PWD/prefix"
    mv prefix moved
    build_project built-moved -D CMAKE_PREFIX_PATH="$PWD/moved" -D COMPONENTS=mpi
    # a machine without MPI
    cmake -S "$here" -B without-mpi -D EXAMPLE="$example" -D CMAKE_PREFIX_PATH="$PWD/moved" -D COMPONENTS=mpi \
      -D CMAKE_DISABLE_FIND_PACKAGE_MPI=ON
    [ ! -e moved/bin/tombola ] || moved/bin/tombola devices
    ;;
  pkg-config)
    cmake --install "$build" --prefix "$PWD/prefix"
    build_plainly prefix shared
    # before 1.0 a minor version may break its users: each has a soname of its own
    minor=$(pkg-config --modversion tombola | cut -d. -f1,2)
    readelf -d "$(find "$PWD/prefix" -name libtombola.so)" | grep "SONAME.*\[libtombola\.so\.$minor\]"
    run_with "$(dirname "$(find "$PWD/prefix" -name libtombola.so)")" shared
    mv prefix moved
    run_with "$(dirname "$(find "$PWD/moved" -name libtombola.so)")" shared
    find moved -name 'libtombola*.so*' -delete  # or else -ltombola would mean it again
    build_plainly moved static --static
    run_with /nonexistent static
    ;;
  subdirectory)
    build_project built -D TOMBOLA_SOURCE="$(dirname "$(dirname "$here")")"
    ;;
  *)
    echo "run.sh: what is '$way'?" >&2
    exit 2
    ;;
esac
