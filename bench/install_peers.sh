# shellcheck shell=bash disable=SC2154  # sourced, behind install.sh and build.sh, by what has set `root`
# Sourced by bench/run.sh and tests/run.sh: how to get the packages that Tombola is held against.

venv=$root/build/peers
python=/usr/bin/python3  # Debian's, which has Debian's NumPy
[ -x "$python" ] || python=python3
peer_python() { if [ -x "$venv/bin/python" ]; then echo "$venv/bin/python"; else echo "$python"; fi; }
has_peer() { [ -n "$("$(peer_python)" -B "$root/bench/peers.py" --list "$1" 2>/dev/null)" ]; }

# pip_install PACKAGE...: into a folder of their own, on top of what Debian has.
pip_install() {
  install_missing python3-venv
  new_environment "$venv" "$python" --system-site-packages
  quietly "$venv/bin/pip" install "$@"
}

# Subshells: what cannot be installed is reported as missing, and the rest goes on.
install_peer() {
  case $1 in
    numpy) (install_missing python3-numpy) ;;
    torch)
      echo "PyTorch: Debian's python3-torch, an older build for CPUs, about 600 MB, a minute. For a newer one put torch" \
        "into build/peers by its pip: 5 GB with the CUDA libraries that come along."
      (install_missing python3-torch) ;;
    transformers)
      has_peer torch || install_peer torch
      echo "Transformers: by pip into build/peers, 150 MB, a minute."
      (pip_install 'transformers<4.46') ;;  # later ones want a newer PyTorch than Debian's
    llama)
      echo "llama.cpp: llama-cpp-python by pip into build/peers, 100 MB; it compiles for 5 to 20 minutes."
      (install_missing g++ cmake && CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) pip_install llama-cpp-python) ;;
  esac
}

# ensure_peer NAME: installs it unless it is there, and says where that failed.
ensure_peer() {
  has_peer "$1" && return
  section "Installing the peer $1"
  if ! install_peer "$1" || ! has_peer "$1"; then
    echo "$1 could not be installed" >&2
    return 1
  fi
}
