# shellcheck shell=bash disable=SC2154  # sourced, behind install.sh, by run.sh, which has set `root` and `build`
# Sourced by tests/run.sh: the Python package as its users get it, built and installed by pip and tested from there.

wheel=$build/wheel  # packages/ has what PyPI gave, so that later runs need no network

# fetch NAME REQUIREMENT...: from PyPI into packages/NAME, with what they need themselves; once.
fetch() {
  local folder=$wheel/packages/$1 wanted
  shift
  wanted="$(python3 -V) $*"
  [ "$(cat "$folder/wanted" 2>/dev/null)" != "$wanted" ] || return 0
  new_environment "$wheel/environment" python3 || return 1
  rm -rf "$folder"
  if ! limited "$wheel/environment/bin/pip" --quiet --disable-pip-version-check download --retries 1 \
    --only-binary :all: --dest "$folder" "$@"; then
    echo "$* can't be had from PyPI, and $folder has nothing of an earlier run." >&2
    return 1
  fi
  printf %s "$wanted" >"$folder/wanted"
}

# offline_pip ENVIRONMENT COMMAND...: what pip may look at is packages/ and the wheel.
offline_pip() {
  limited env PIP_NO_INDEX=1 PIP_FIND_LINKS="$(printf '%s ' "$wheel"/packages/* "$wheel/made")" PIP_NO_CACHE_DIR=1 \
    CMAKE_BUILD_PARALLEL_LEVEL="$jobs" "$1/bin/pip" --quiet --disable-pip-version-check "${@:2}"
}

# The one wheel, for every Python 3; what has not changed is not compiled again.
build_wheel() {
  local made
  rm -rf "$wheel/made"
  offline_pip "$wheel/environment" wheel --no-deps --config-settings=build-dir="$wheel/build" \
    --wheel-dir "$wheel/made" "$root/src/python"
  made=("$wheel"/made/*)
  if [ ${#made[@]} != 1 ] || [[ ${made[0]} != */tombola-*-py3-none-linux_*.whl ]]; then
    echo "not one wheel for every Python 3: ${made[*]}" >&2
    return 1
  fi
}

# install_package ENVIRONMENT NAME: the wheel and all that it needs, anew; NAME is tombola, or tombola[cpu].
install_package() { offline_pip "$1" install --force-reinstall "$2"; }

# test_package ENVIRONMENT: runs its tests, with nothing of the source tree on the path but these, and says how many.
test_package() {
  local python=$1/bin/python log=$wheel/tests.log
  (
    cd / && unset TOMBOLA_LIBRARY TOMBOLA_COMMAND PYTHONPATH
    "$python" -I -c 'import sys, tombola; sys.exit(not tombola.__file__.startswith(sys.prefix))' &&
      limited "$python" -I -B "$root/tests/python/run.py"
  ) >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  tail -n 1 "$log"
}

# hide_drivers ENVIRONMENT: its Python takes this machine for one without an OpenCL driver of its own.
hide_drivers() {
  cat >"$("$1/bin/python" -c 'import site; print(site.getsitepackages()[0])')/sitecustomize.py" <<'END'
import glob

_glob = glob.glob
glob.glob = lambda path, **options: [] if path.startswith("/etc/OpenCL/vendors") else _glob(path, **options)
END
}
