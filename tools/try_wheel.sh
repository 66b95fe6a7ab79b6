#!/usr/bin/env bash
# Build the wheel, install it in an empty environment and use it from outside the checkout.
#     tools/try_wheel.sh [PYTHON...]      each with an environment of its own; default: python3
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
quiet=(--quiet --disable-pip-version-check)

[[ $# -gt 0 ]] || set -- python3
"$1" -m venv "$place/builder"
"$place/builder/bin/pip" install "${quiet[@]}" -c constraints.txt build
"$place/builder/bin/python" -m build --outdir "$place/dist" . >"$place/build.log" ||
    { tail -20 "$place/build.log"; exit 1; }
wheel=$(echo "$place"/dist/*.whl)
echo "built ${wheel##*/}, $(du -k "$wheel" | cut -f1) KiB, and ${wheel%/*}/*.tar.gz beside it" |
    sed "s#$place/dist/##"

cd "$place"
for python in "$@"; do
    rm -rf venv out
    "$python" -m venv venv
    venv/bin/pip install "${quiet[@]}" -c "$here/constraints.txt" "$wheel[demo]"
    faceveil=$place/venv/bin/faceveil
    "$place/venv/bin/python" -c "
import faceveil, pathlib
assert pathlib.Path(faceveil.__file__).is_relative_to('$place'), faceveil.__file__"
    "$faceveil" --version
    "$faceveil" weights fetch --quiet || true
    "$faceveil" demo out
    "$faceveil" veil out/*before* -o out/again.png
    "$faceveil" check out/again.png
    "$python" --version
done
echo "the wheel works"
