#!/usr/bin/env bash
# Build FaceVeil as an executable with all it needs, weights too, for machines without Python: a
# folder and its archive in dist/, for the system and the kind of processor of this machine.
#     tools/make_bundle.sh [PYTHON]      default: python3
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

environment "$place/builder" "${1:-python3}" "${here}[bundle]"
"$place/builder/$scripts/faceveil" weights fetch --quiet || true
cd "$place" # so that the package is the one installed, not the checkout's
PYINSTALLER_CONFIG_DIR=$place/cache "builder/$scripts/pyinstaller" --log-level WARN \
    --distpath "$place/dist" --workpath "$place/work" "$here/tools/bundle.spec"

name=$(ls dist)
owner=(--owner=0 --group=0)
[[ $OSTYPE != darwin* ]] || owner=(--uid 0 --gid 0)
tar -C dist "${owner[@]}" --numeric-owner -czf "$name.tar.gz" "$name"
mkdir -p "$here/dist"
rm -rf "$here/dist/$name"
mv "dist/$name" "$name.tar.gz" "$here/dist"

cd "$here/dist"
echo "dist/$name: $(du -sm "$name" | cut -f1) MiB;" \
    "dist/$name.tar.gz: $(du -m "$name.tar.gz" | cut -f1) MiB"
ls "$name"/_internal/faceveil/_weights
[[ $OSTYPE != linux* ]] ||
    echo "needs" "$(find "$name" -type f -exec objdump -T {} + 2>/dev/null |
        grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -1)" "or newer"
