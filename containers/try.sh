#!/usr/bin/env bash
# The steps of the image without a container engine: install into an empty folder with an empty
# environment, then run so that nothing can be written there, and use it as a client would.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source=$(cd .. && pwd)
place=$(mktemp -d)
server=
mounted=
cleanup() {
    [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    [[ -z $mounted ]] || umount "$mounted"
    rm -rf "$place"
}
trap cleanup EXIT
chmod 755 "$place"
port=$((20000 + RANDOM % 20000))
address=http://127.0.0.1:$port
token=$(python3 -c 'import secrets; print(secrets.token_urlsafe())')

clean=(env -i PATH="/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8)
# Where packages come from is the machine's own matter.
for name in PIP_INDEX_URL PIP_CONFIG_FILE PIP_CERT SSL_CERT_FILE; do
    [[ -z ${!name:-} ]] || clean+=("$name=${!name}")
done
python=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
"${clean[@]}" PATH="$python:/usr/bin:/bin" HOME="$place/home" ./install.sh "$place/opt"
cp healthy.py "$place/opt/healthy.py"

run=("${clean[@]}" PATH="$place/opt/venv/bin:/usr/bin:/bin" HOME="$place/data"
    FACEVEIL_WEIGHTS="$place/opt/weights" PYTHONDONTWRITEBYTECODE=1 FACEVEIL_TOKEN="$token")
install -d -m 0700 "$place/data"
nobody=(setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs)
if [[ $(id -u) == 0 ]]; then
    if "${nobody[@]}" "${run[@]}" faceveil --version >/dev/null 2>&1; then
        chown 10001:10001 "$place/data"
        run=("${nobody[@]}" "${run[@]}")
    else # this machine's Python is for root alone; at least what is installed is made read-only
        mount --bind "$place/opt" "$place/opt"
        mounted=$place/opt
        mount -o remount,bind,ro "$place/opt"
    fi
    ! "${run[@]}" touch "$place/opt/written" 2>/dev/null || { echo "may write to the image"; exit 1; }
fi
cd "$place/data"
echo "command line:"
"${run[@]}" faceveil demo sample
"${run[@]}" faceveil check sample/after.jpg
echo "service:"
"${run[@]}" faceveil serve --port "$port" --folder "$place/data/jobs" >/dev/null &
server=$!
"${run[@]}" python - "$address" sample/before.jpg veiled.jpg "$token" <"$source/tools/ask_service.py"
"${run[@]}" python "$place/opt/healthy.py" "$address"
"${run[@]}" faceveil check veiled.jpg
echo "the container's steps work"
