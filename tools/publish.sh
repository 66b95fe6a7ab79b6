#!/usr/bin/env bash
# publish.sh FOLDER TAG: make a release of what the workflow has built, with the hashes of its files.
# FOLDER holds a folder for each artifact: wheel, executable-*, image.
set -euo pipefail
shopt -s failglob
cd "$1"
files=(wheel/* executable-*/* image/*)
# By their names alone, as they are downloaded: so no two may be called the same.
names=$(printf '%s\n' "${files[@]##*/}" | sort)
twice=$(uniq -d <<<"$names")
[[ -z $twice ]] || { echo "two files are called $twice" >&2; exit 1; }
for file in "${files[@]}"; do
    (cd "${file%/*}" && sha256sum "${file##*/}")
done >SHA256SUMS
gh release create "$2" --verify-tag --generate-notes SHA256SUMS "${files[@]}"
