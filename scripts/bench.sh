#!/usr/bin/env bash
# Measures a release build: logins, first challenges, memory, start-up. Bounded in time; arguments go to the generator.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if [ ! -f bench/Cargo.toml ]; then
    echo "There is no load generator in bench/ yet." >&2
    exit 1
fi
step "Build the server" cargo build --release --quiet --package vestibule-server --bin vestibule
step "Build the load generator" cargo build --release --quiet --manifest-path bench/Cargo.toml
step "Measure" cargo run --release --quiet --manifest-path bench/Cargo.toml -- "${CARGO_TARGET_DIR:-target}/release/vestibule" "$@"
times
