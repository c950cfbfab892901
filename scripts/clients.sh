#!/usr/bin/env bash
# The official clients for Python and Node, unmodified, walk the API of a server of their own; the client for Rust does the
# same among the workspace's tests. Then applications sign people in by OpenID Connect, and the server signs people in through other
# providers. Installs what it needs where it can.
# Each ends with `Clients: N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

cargo build --quiet --package vestibule-server --bin vestibule || exit 1
code=0
python=$(python_with clients tests/clients/python/requirements.txt) && "$python" tests/clients/python/walk.py || code=1
python=$(python_with clients tests/clients/python/requirements.txt) && "$python" tests/clients/python/relying_party.py || code=1
python=$(python_with clients tests/clients/python/requirements.txt) && "$python" tests/clients/python/source.py || code=1
node_packages tests/clients/node && node tests/clients/node/walk.mjs || code=1
node_packages tests/clients/node && node tests/clients/node/relying-party.mjs || code=1
node_packages tests/clients/node && node tests/clients/node/source.mjs || code=1
exit "$code"
