#!/usr/bin/env bash
# Install FaceVeil and its weights below a folder: what the image is made of.
#     containers/install.sh PREFIX      from this checkout, into PREFIX/venv and PREFIX/weights
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$1

python3 -m venv "$prefix/venv"
pip=("$prefix/venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check)
"${pip[@]}" --require-hashes -r "$source/locked.txt"
"${pip[@]}" --no-deps --no-build-isolation "$source"

# One detector is enough. What was fetched is verified; an image without any is of no use.
"$prefix/venv/bin/faceveil" weights fetch --to "$prefix/weights" || true
"$prefix/venv/bin/faceveil" weights verify --weights "$prefix/weights"
chmod -R a+rX,go-w "$prefix"
