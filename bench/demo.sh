#!/usr/bin/env bash
# Shows what temperature and filters do to real text.
# usage: bench/demo.sh [--text FILE]...    by default files of Debian's fortunes
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/install.sh"
. "$root/bench/build.sh"

fortunes=/usr/share/games/fortunes
names=(literature science wisdom computers linux education people work songs-poems platitudes startrek humorists
  definitions)
texts=()
while [ $# -gt 0 ]; do
  case $1 in
    --text) [ $# -gt 1 ] || { echo "demo.sh: --text needs a file" >&2; exit 2; }
      texts+=("$2"); shift 2 ;;
    --text=*) texts+=("${1#--text=}"); shift ;;
    -h | --help) sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "demo.sh: what is '$1'? usage: demo.sh [--text FILE]..." >&2; exit 2 ;;
  esac
done

install_missing "${demo_packages[@]}"
prompt="The best way to"
if [ ${#texts[@]} -eq 0 ]; then
  texts=("${names[@]/#/$fortunes/}")
  about="fortunes: ${names[*]}"
else
  about=${texts[*]}
  prompt=""  # nobody knows which words that text has
fi
for text in "${texts[@]}"; do
  [ -r "$text" ] || { echo "demo.sh: cannot read the text $text" >&2; exit 1; }
done

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
say() { printf '%s\n' "$@" | fold -s -w 76 | sed 's/ *$//'; }
title() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; shift; printf %s "$dim"; say "$@"; printf '%s\n' "$plain"; }

printf '%s== Building in build/%s\n' "$bold" "$plain"
build_command quietly

generate() { "$root/build/tombola" generate --text "${texts[@]}" --prompt "$prompt" "$@"; }

title "The model" \
  "An n-gram model learns from real text which word follows which. It fills a row of logits, one for each word of the vocabulary; Tombola draws the next word from that row on the device." \
  "Text: $about"
"$root/build/tombola" devices

title "Greedy: always the most likely word" \
  "Sooner or later the last few words have been there before. The next one is then the same as before too, and so is all that follows: greedy decoding repeats itself."
generate --greedy --ignore-end --max-tokens 160

title "Temperature: 0.3, 0.7, 1.0 and 1.5, three texts each, in one batch" \
  "Low: safe and close to what was learned. 1: the model's own odds. High: unlikely words as well, and soon no sense. Rows that differ in temperature share the batch; finished ones leave it, and the others' words stay the same."
generate --temperature 0.3,0.7,1.0,1.5 --batch 3 --max-tokens 60

title "Top-k 3: only the three most likely words, at temperature 1.2" \
  "Hot, but each word is one of three: odd turns, no nonsense."
generate --temperature 1.2 --top-k 3 --batch 3 --max-tokens 60

title "Top-p 0.6: the most likely words that together hold 60%, at temperature 1.2" \
  "Where the model is sure that is one word, where it is not it may be thousands: the cut follows the model."
generate --temperature 1.2 --top-p 0.6 --batch 3 --max-tokens 60

title "The same seed draws the same words" \
  "on any device, in any batch: run this again and compare."
