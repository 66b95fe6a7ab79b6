#!/usr/bin/env bash
# pytest, and then once more, with nothing beside it, the tests that failed. For machines that others
# use as well: a test of real time may fail there once. Both results are printed; what fails twice fails.
set -uo pipefail

pytest="$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/pytest"
"$pytest" "$@"
code=$?
[[ $code -eq 1 ]] || exit $code # 1: tests failed; everything else is no failed test
echo "These tests failed. They run once more, one after the other."
exec "$pytest" --last-failed --last-failed-no-failures none
