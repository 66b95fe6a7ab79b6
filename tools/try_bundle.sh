#!/usr/bin/env bash
# Unpack an archive made by make_bundle.sh elsewhere and use it with an empty environment: no Python
# on the path, another home. Python is needed only to ask the service.
#     tools/try_bundle.sh [ARCHIVE]      default: the newest in dist/
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

archive=$(realpath "${1:-$(ls -t "$here"/dist/faceveil-*-*-*.tar.gz | head -1)}")
python=$(python3 -c 'import sys; print(sys.executable)')
mkdir "$place/a folder" "$place/bin" "$place/home" "$place/work"
tar -C "$place/a folder" -xzf "$archive"
folder=$(echo "$place/a folder"/*)
chmod -R a-w "$folder"
before=$(find "$folder" | sort)
clean=(env -i HOME="$place/home" PATH="$place/bin" FACEVEIL_TOKEN="$FACEVEIL_TOKEN")
if [[ -n $windows ]]; then # whose programs do not start without its variables
    clean=(env HOME="$place/home" PATH="$folder:$PATH")
else
    ln -s "$folder/faceveil" "$place/bin/faceveil" # as docs/install.md says
fi
cd "$place/work"

echo "${archive##*/}, unpacked elsewhere, PATH without Python:"
grep -q "PyAV (av) brings FFmpeg" "$folder/licences/README.txt"
[[ -s $folder/LICENSE && -s $folder/NOTICE ]]
try_it "$python" "${clean[@]}" faceveil

if [[ -n $windows ]]; then
    echo "the executable works"
    exit
fi
words=$("${clean[@]}" PATH="$place/bin:/usr/bin:/bin" bash -c '
    eval "$(faceveil --show-completion)"
    COMP_WORDS=(faceveil wei) COMP_CWORD=1
    _faceveil_completion faceveil
    echo "${COMPREPLY[@]}"')
[[ $words == weights ]]
echo "completion in bash: wei becomes $words"

if command -v strace >/dev/null; then
    strace -f --seccomp-bpf -qq -e trace=network,io_uring_setup -o trace \
        "${clean[@]}" faceveil veil out/before.jpg out/before.mp4 --jobs 2 -o traced >/dev/null 2>&1
    [[ -s traced/before.veiled.mp4 ]]
    if grep -E 'socket(pair)?\((AF|PF)_[^UL]|io_uring_setup' trace; then exit 1; fi
    echo "veil opened no network socket: strace saw none"
else
    echo "strace is not here: nobody looked for sockets"
fi
[[ $(find "$folder" | sort) == "$before" ]]
echo "nothing was written beside the executable"
echo "the executable works"
