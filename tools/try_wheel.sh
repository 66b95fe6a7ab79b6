#!/usr/bin/env bash
# Build the wheel, install it in an empty environment and use it from outside the checkout.
#     tools/try_wheel.sh [PYTHON...]      each with an environment of its own; default: python3
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -gt 0 ]] || set -- python3
environment "$place/builder" "$1" build
"$place/builder/bin/python" -m build --outdir "$place/dist" "$here" >"$place/build.log" 2>&1 ||
    { tail -20 "$place/build.log"; exit 1; }
wheel=$(echo "$place"/dist/*.whl)
mkdir -p "$here/dist" && cp "$place"/dist/* "$here/dist"
echo "built dist/${wheel##*/}, $(du -k "$wheel" | cut -f1) KiB, and the source beside it"

for python in "$@"; do
    "$python" --version
    environment "$place/venv" "$python" "${wheel}[server]"
    rm -rf "$place/work" && mkdir "$place/work" && cd "$place/work"
    "$place/venv/bin/python" -c "
import faceveil, pathlib
assert pathlib.Path(faceveil.__file__).is_relative_to('$place'), faceveil.__file__"
    "$place/venv/bin/faceveil" weights fetch --quiet || true
    try_it "$place/venv/bin/python" "$place/venv/bin/faceveil"
done
echo "the wheel works"
