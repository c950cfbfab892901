#!/usr/bin/env bash
# Measures a release build. `bench.sh [speed|oauth|policies|lists|timing|crash|paint] [--postgres] [ARGUMENTS]`: speed is logins, first
# challenges, memory and start-up; oauth is tokens beside the signatures that the machine makes; policies is what expressions cost by themselves; lists is what a page costs among 100,000 users; timing is whether refusals tell who
# exists; crash is what survives kill -9 under load; paint is how soon a browser on a slow connection shows a list. All are bounded in time. --postgres measures on a private
# PostgreSQL instead of SQLite. Arguments go to the load generator.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what=speed
case "${1:-}" in
policies)
    step "Build" cargo build --profile quick --quiet --package vestibule-bench-policies
    step "Measure" "${CARGO_TARGET_DIR:-target}/quick/vestibule-bench-policies"
    times
    exit
    ;;
paint)
    shift
    step "Build" cargo build --release --quiet --package vestibule-server
    VESTIBULE_BIN=${CARGO_TARGET_DIR:-target}/release/vestibule step "Measure" node bench/paint/paint.mjs "$@"
    times
    exit
    ;;
speed | oauth | lists | timing | crash)
    what=$1
    shift
    ;;
esac
target=${CARGO_TARGET_DIR:-target}

scratch=
cleanup() {
    if [ -n "$scratch" ]; then
        scripts/postgres.sh stop "$scratch/postgres" || true
        rm -rf "$scratch"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step "Build" cargo build --release --quiet --package vestibule-server --package vestibule-bench
if [ "${1:-}" = --postgres ]; then
    shift
    scratch=$(mktemp -d)
    chmod 755 "$scratch"
    # A quarter of the memory of a small server, as PostgreSQL's manual says.
    database=$(scripts/postgres.sh start "$scratch/postgres" 512MB)
    set -- --database "$database" "$@"
fi
step "Measure" "$target/release/vestibule-bench" "$what" --server "$target/release/vestibule" "$@"
times
