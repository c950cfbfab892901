#!/usr/bin/env bash
# Every test: the workspace's on SQLite and on PostgreSQL, and those in a browser. Installs what it needs where it can.
# The last line is `N passed, N failed`. Arguments go to the test runner.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

scratch=$(mktemp -d)
chmod 755 "$scratch"
postgres=
cleanup() {
    if [ -n "$postgres" ]; then scripts/postgres.sh stop "$postgres" || true; fi
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

passed=0
failed=0
not_run=()

start_postgres() {
    if [ -n "${VESTIBULE_TEST_POSTGRES:-}" ]; then
        echo "PostgreSQL: the one that VESTIBULE_TEST_POSTGRES names"
        return 0
    fi
    if ! postgres_tools >/dev/null && ! apt_install postgresql; then
        echo "PostgreSQL is missing and could not be installed (apt-get install postgresql)" >&2
        return 1
    fi
    VESTIBULE_TEST_POSTGRES=$(scripts/postgres.sh start "$scratch/postgres") || return 1
    postgres="$scratch/postgres"
    export VESTIBULE_TEST_POSTGRES
    echo "PostgreSQL: a private one in $postgres"
}

# Runs the tests of the workspace; what the runner says goes to people and to a file.
rust_tests() {
    local code=0
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --no-fail-fast --hide-progress-bar "$@" 2>&1 | tee "$scratch/rust" || code=$?
    else
        cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$scratch/rust" || code=$?
    fi
    return "$code"
}

# Adds up what either runner reports.
count_rust() {
    local summary
    summary=$(sed 's/\x1b\[[0-9;]*m//g' "$scratch/rust")
    passed=$((passed + $(grep -oE '[0-9]+ passed' <<<"$summary" | awk '{n += $1} END {print n + 0}')))
    failed=$((failed + $(grep -oE '[0-9]+ (failed|timed out)' <<<"$summary" | awk '{n += $1} END {print n + 0}')))
}

# count_on WORD: tests that ran on a database, by the word in their names.
count_on() {
    sed 's/\x1b\[[0-9;]*m//g' "$scratch/rust" |
        grep -E '^ *(PASS|FAIL|test) ' | grep -vE '\.\.\. ignored' | grep -ciE "$1" || true
}

find_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then return 0; fi
    CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
    [ -n "$CHROMIUM" ] && export CHROMIUM
}

browser_tests() {
    local tests=tests/browser code=0
    if ! command -v node >/dev/null 2>&1; then
        echo "Node is missing: https://nodejs.org" >&2
        return 1
    fi
    if ! find_chromium && { ! apt_install chromium || ! find_chromium; }; then
        echo "Chromium is missing and could not be installed (apt-get install chromium)" >&2
        return 1
    fi
    if [ ! -d "$tests/node_modules" ] || [ "$tests/package.json" -nt "$tests/node_modules" ]; then
        (cd "$tests" && if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; else npm install --no-audit --no-fund; fi) || return 1
        touch "$tests/node_modules"
    fi
    cargo build --quiet --package vestibule-server --bin vestibule || return 1
    (cd "$tests" && npm test --silent) 2>&1 | tee "$scratch/browser" || code=$?
    # Node's own runner ends with `# pass N` and `# fail N` (or `ℹ` for `#`).
    passed=$((passed + $(grep -oE '^[#ℹ] pass [0-9]+' "$scratch/browser" | awk '{n += $3} END {print n + 0}')))
    failed=$((failed + $(grep -oE '^[#ℹ] (fail|cancelled) [0-9]+' "$scratch/browser" | awk '{n += $3} END {print n + 0}')))
    return "$code"
}

step "PostgreSQL" start_postgres || {
    not_run+=("tests on PostgreSQL")
    failed=$((failed + 1))
}
step "Build the tests" cargo test --workspace --no-run --quiet || {
    times
    printf '\n0 passed, 1 failed\n'
    exit 1
}
before=$failed
step "Tests of the workspace" rust_tests "$@"
rust=$?
count_rust
# A runner that failed without a failed test still failed.
if [ "$rust" -ne 0 ] && [ "$failed" -eq "$before" ]; then failed=$((failed + 1)); fi

if [ -f tests/browser/package.json ]; then
    before=$failed
    step "Tests in a browser" browser_tests || { [ "$failed" -gt "$before" ] || failed=$((failed + 1)); }
fi

times
say "Databases"
echo "on SQLite:     $(count_on '(^|[^a-z])sqlite')"
echo "on PostgreSQL: $(count_on 'postgres')"
for what in "${not_run[@]}"; do echo "NOT RUN: $what"; done

say "Summary"
sed 's/\x1b\[[0-9;]*m//g' "$scratch/rust" | grep -E '^ *(Summary|test result)' | tail -n 40
if [ -f "$scratch/browser" ]; then grep -E '^[#ℹ] (tests|pass|fail)' "$scratch/browser"; fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
