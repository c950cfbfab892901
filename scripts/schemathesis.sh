#!/usr/bin/env bash
# Asks every operation of a fresh server all that Schemathesis can think of, and looks that each answer is one that the
# document promises. `--max-examples N` says how much that is, `--phases` in which ways (`stateful` is one more), and
# `--report FOLDER` keeps the reports and the server's log. The last line is `Schemathesis: N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

cargo build --quiet --package vestibule-server --bin vestibule || exit 1
python=$(python_with schemathesis tests/schemathesis/requirements.txt) || exit 1
exec "$python" tests/schemathesis/run.py "$@"
