#!/usr/bin/env bash
# Measures how long rows take whose vocabulary several ranks have, and says what it comes to with 1024 of them, beside
# gathering the logits. usage: bench/ranks.sh [--quick] [OPTION OF ranks.py...]; 3 minutes, or one
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"

install_missing "${ranks_packages[@]}"
section "Building in build/"
targets=(tombola_ranks tombola_shards)
build_command quietly
section "Measuring"
/usr/bin/python3 "$root/bench/ranks.py" "$@"
