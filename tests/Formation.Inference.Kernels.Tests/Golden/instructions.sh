#!/usr/bin/env bash
# Writes the bytes of each instruction in instructions.txt (text, tabulator, bytes) anew with the GNU assembler; needs binutils 2.40 or newer.
# For a new instruction, add a line with its text alone first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cut -f1 instructions.txt >"$folder/texts"
(echo .intel_syntax noprefix; cat "$folder/texts") | as -o "$folder/code.o" -
objdump -d --insn-width=16 "$folder/code.o" | awk -F'\t' '/^ *[0-9a-f]+:/ { gsub(" ", "", $2); print $2 }' >"$folder/bytes"
paste "$folder/texts" "$folder/bytes" >"$folder/instructions.txt"
cp "$folder/instructions.txt" instructions.txt
