#!/usr/bin/env bash
# Bundles the pages that the binary embeds (the API reference, the application for administrators), when what they are made of has changed. Without Node it
# says so and fails; the server works all the same, and its pages say what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

made=crates/web/bundle/reference.js.gz
if [ -f "$made" ] && [ -z "$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -newer "$made" -print -quit)" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    echo "Node is missing (https://nodejs.org): the API reference and the administration are not built." >&2
    exit 1
fi
cd web
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then
    echo "Fetching what the API reference and the administration are made of"
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules
fi
echo "Bundling the API reference and the administration"
npm run --silent check
npm run --silent build
