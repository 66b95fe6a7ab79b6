# Shared by the scripts beside it, which source it: a place that goes when they end, environments,
# and how an installed FaceVeil is tried.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place=$(mktemp -d)
server=
# Windows has other names for a few things, and no service; see docs/install.md.
windows= scripts=bin
[[ $OSTYPE != msys* && $OSTYPE != cygwin* ]] || { windows=1 scripts=Scripts; }
# For the services that are tried. An empty environment has to be given it.
FACEVEIL_TOKEN=$(python3 -c 'import secrets; print(secrets.token_urlsafe())')
export FACEVEIL_TOKEN
cleanup() {
    [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    chmod -R u+w "$place" && rm -rf "$place"
}
trap cleanup EXIT

# environment FOLDER PYTHON PACKAGE...: one of its own, with these packages
environment() {
    rm -rf "$1"
    "$2" -m venv "$1"
    "$1/$scripts/python" -m pip install -qq --disable-pip-version-check -c "$here/constraints.txt" "${@:3}"
}

# try_it PYTHON COMMAND...: use FaceVeil as people do, in this folder. COMMAND is that of faceveil;
# PYTHON asks the service and is not what is tried.
try_it() {
    local python=$1 port=$((20000 + RANDOM % 20000))
    shift
    "$@" --version
    "$@" weights verify
    "$@" demo out # a photo and a clip; fails unless every face is covered
    "$@" veil out/before.jpg -o photo.png
    "$@" veil out/before.mp4 -o clip.mp4
    "$@" veil out/before.jpg out/before.mp4 --jobs 2 -o both # in processes of their own
    "$@" veil out/before.jpg -o kept.jpg --report kept.jsonl
    if grep "coded anew" kept.jsonl; then exit 1; fi # libjpeg is there, and keeps its blocks
    "$@" check photo.png clip.mp4 both kept.jpg
    [[ -z $windows ]] || return 0
    "$@" serve --port "$port" --folder jobs >/dev/null &
    server=$!
    "$python" "$here/tools/ask_service.py" "http://127.0.0.1:$port" out/before.jpg served.jpg \
        "$FACEVEIL_TOKEN"
    kill "$server" && wait "$server" || true
    server=
    "$@" check served.jpg
}
