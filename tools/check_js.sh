#!/usr/bin/env bash
# Check the types of the page's scripts, as tsconfig.json says, with TypeScript. npm downloads it once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=7.0.2
place=.cache/typescript-$version
tsc=$place/node_modules/.bin/tsc

unchecked() {
    echo "$1: the types of the page's scripts are not checked"
    exit 0
}
hash node npm 2>/dev/null || unchecked "there is no Node.js with npm here"
if [[ ! -x $tsc ]]; then
    mkdir -p "$place"
    npm install --prefix "$place" --no-audit --no-fund --silent "typescript@$version" >/dev/null 2>&1 ||
        unchecked "npm cannot download TypeScript"
fi
"$tsc" --project .
echo "TypeScript found nothing wrong with the page's scripts"
