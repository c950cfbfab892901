#!/usr/bin/env bash
# The official clients for Python and Node, unmodified, walk the API of a server of their own. Installs what it needs where
# it can. Each ends with `Clients: N passed, N failed`. The client for Rust does the same among the workspace's tests.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

cargo build --quiet --package vestibule-server --bin vestibule || exit 1
code=0
python=$(python_with clients tests/clients/python/requirements.txt) && "$python" tests/clients/python/walk.py || code=1
node_packages tests/clients/node && node tests/clients/node/walk.mjs || code=1
node_packages tests/clients/node && node tests/clients/node/relying-party.mjs || code=1
exit "$code"
