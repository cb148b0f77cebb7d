#!/usr/bin/env bash
# Fails unless a library offers its users exactly the functions that the headers declare with TOMBOLA_API.
# usage: exports.sh LIBRARY HEADER...
set -euo pipefail
library=$1
declared=$(grep -h -o 'TOMBOLA_API [^;(]*(' "${@:2}" | grep -o 'tombola_[a-z0-9_]*($' | tr -d '(' | sort)
case $library in
  *.a) symbols=$(nm --extern-only --defined-only --format=posix "$library") ;;
  *) symbols=$(nm --dynamic --defined-only --format=posix "$library") ;;
esac
offered=$(awk 'NF > 1 { print $1 }' <<<"$symbols" | sort)
diff <(echo "$declared") <(echo "$offered") && [ -n "$declared" ]
