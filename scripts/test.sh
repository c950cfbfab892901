#!/usr/bin/env bash
# Every test: the workspace's on SQLite and on PostgreSQL, those in a browser, other people's clients and tools. Installs what it needs where it can.
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
    VESTIBULE_TEST_POSTGRES=$(scripts/postgres.sh start "$scratch/server") || return 1
    postgres="$scratch/server"
    export VESTIBULE_TEST_POSTGRES
    echo "PostgreSQL: a private one in $postgres"
}

# Those that use a database run once on each; the others once.
DATABASE='rdeps(vestibule-testkit)'
have_nextest() { cargo nextest --version >/dev/null 2>&1; }

# rust_tests FILE FILTER ARGUMENT...: what the runner says goes to people and to a file.
rust_tests() {
    local file=$scratch/$1 filter=$2 code=0
    shift 2
    if have_nextest; then
        cargo nextest run --workspace --no-fail-fast --hide-progress-bar --no-tests pass -E "$filter" "$@" 2>&1 | tee "$file" || code=$?
    else
        cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$file" || code=$?
    fi
    local text passes failures
    text=$(sed 's/\x1b\[[0-9;]*m//g' "$file" | grep -E '^ *(Summary|test result)' || true)
    passes=$(sum '[0-9]+ passed' "$text")
    failures=$(sum '[0-9]+ (failed|timed out|exec failed)' "$text")
    passed=$((passed + passes))
    failed=$((failed + failures))
    # A runner that failed without a failed test still failed.
    if [ "$code" -ne 0 ] && [ "$failures" -eq 0 ]; then failed=$((failed + 1)); fi
    return "$code"
}

# sum PATTERN TEXT: adds up the numbers that matches begin with.
sum() { grep -oE "$1" <<<"$2" | awk '{n += $1} END {print n + 0}'; }

# ran FILE [WORD]: how many tests a run had, or how many of them bear a word in their names.
ran() {
    [ -f "$scratch/$1" ] || {
        echo 0
        return
    }
    sed 's/\x1b\[[0-9;]*m//g' "$scratch/$1" |
        grep -E '^ *(PASS|FAIL|LEAK|SIGABRT|TIMEOUT) +\[|^test .* \.\.\. (ok|FAILED)' | sort -u | grep -cE "${2:-.}" || true
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
    # A relying party: its programs and modules alone, which start no service.
    if { [ ! -x /usr/sbin/apache2 ] || [ ! -f /usr/lib/apache2/modules/mod_auth_openidc.so ]; } &&
        ! apt_install apache2-bin libapache2-mod-auth-openidc; then
        echo "Apache with mod_auth_openidc is missing and could not be installed (apt-get install apache2-bin libapache2-mod-auth-openidc)" >&2
    fi
    if [ ! -d "$tests/node_modules" ] || [ "$tests/package.json" -nt "$tests/node_modules" ]; then
        (cd "$tests" && if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; else npm install --no-audit --no-fund; fi) || return 1
        touch "$tests/node_modules"
    fi
    cargo build --quiet --package vestibule-server --bin vestibule || return 1
    (cd "$tests" && npm test --silent) 2>&1 | tee "$scratch/browser" || code=$?
    # The reporter in tests/browser ends with `Browser: N passed, N failed, ...`.
    local summary passes failures again
    summary=$(grep -E '^Browser: [0-9]+ passed' "$scratch/browser" || true)
    passes=$(sum '[0-9]+ passed' "$summary")
    failures=$(sum '[0-9]+ failed' "$summary")
    # A browser has seconds for each step, and the machine is sometimes somebody else's: what failed has another try, by
    # itself. What fails twice has failed; more than a few files do not fail by chance.
    again=$(sed -nE 's/^test at ([^ ]*\.test\.mjs):.*/\1/p' "$scratch/browser" | sort -u)
    if [ "$code" -ne 0 ] && [ "$(wc -w <<<"$again")" -ge 1 ] && [ "$(wc -w <<<"$again")" -le 3 ]; then
        say "Once more, by themselves:" $again
        code=0
        # shellcheck disable=SC2086
        (cd "$tests" && JOBS=1 npm test --silent -- $again) 2>&1 | tee "$scratch/again" || code=$?
        summary=$(grep -E '^Browser: [0-9]+ passed' "$scratch/again" || true)
        local still
        still=$(sum '[0-9]+ failed' "$summary")
        [ -n "$summary" ] || still=$failures
        passes=$((passes + failures - still))
        failures=$still
    fi
    passed=$((passed + passes))
    failed=$((failed + failures))
    return "$code"
}

# counted NAME PATTERN COMMAND...: adds what a command's lines `PATTERN: N passed, N failed` count.
counted() {
    local file=$scratch/$1 pattern=$2 code=0 text failures
    shift 2
    "$@" 2>&1 | tee "$file" || code=$?
    text=$(grep -E "^$pattern: [0-9]+ passed" "$file" || true)
    failures=$(sum '[0-9]+ failed' "$text")
    passed=$((passed + $(sum '[0-9]+ passed' "$text")))
    failed=$((failed + failures))
    if [ "$code" -ne 0 ] && [ "$failures" -eq 0 ]; then failed=$((failed + 1)); fi
    return "$code"
}

step "PostgreSQL" start_postgres || {
    not_run+=("tests on PostgreSQL")
    failed=$((failed + 1))
}
# Before what embeds it. The test in a browser fails without it.
step "Bundle the API reference and the administration" scripts/web.sh || not_run+=("bundling the API reference and the administration")
build_tests() {
    if have_nextest; then cargo nextest run --workspace --no-run; else cargo test --workspace --no-run --quiet; fi
}
step "Build the tests" build_tests || {
    times
    printf '\n0 passed, 1 failed\n'
    exit 1
}
if have_nextest; then step "Tests without a database, and of the directory" rust_tests pure "not $DATABASE" "$@"; fi
step "Tests on SQLite" rust_tests sqlite "$DATABASE" "$@"
more=()
if have_nextest; then more=(--test-threads "$(($(nproc) * 2))"); fi
if [ -n "${VESTIBULE_TEST_POSTGRES:-}" ]; then
    # Tests wait for its answers: twice as many at once as there are processors.
    VESTIBULE_TEST_DATABASE=postgres step "Tests on PostgreSQL" rust_tests postgres "$DATABASE" "${more[@]}" "$@"
fi

if [ -f tests/browser/package.json ]; then
    before=$failed
    step "Tests in a browser" browser_tests || { [ "$failed" -gt "$before" ] || failed=$((failed + 1)); }
fi

step "Official clients" counted clients Clients scripts/clients.sh
step "Every operation, by Schemathesis" counted schemathesis Schemathesis scripts/schemathesis.sh

times
say "Databases"
echo "on SQLite:     $(($(ran sqlite) + $(ran pure '(^|[^a-z])sqlite::'))) tests"
echo "on PostgreSQL: $(($(ran postgres) + $(ran pure '(^|[^a-z])postgres::'))) tests"
for what in "${not_run[@]}"; do echo "NOT RUN: $what"; done

say "Summary"
for file in pure sqlite postgres; do
    if [ -f "$scratch/$file" ]; then
        sed 's/\x1b\[[0-9;]*m//g' "$scratch/$file" | grep -E '^ *(Summary|FAIL|test result: FAILED)' | sort -u | sed "s/^ */  $file: /"
    fi
done
for file in browser again clients schemathesis; do
    if [ -f "$scratch/$file" ]; then grep -E '^(Browser|Clients|Schemathesis): ' "$scratch/$file" | sed 's/^/  /'; fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
