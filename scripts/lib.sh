# Shared by the scripts beside it; not a program of its own.

# say TEXT: a heading.
say() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND...: runs a command, and remembers how long it took and whether it failed.
STEPS=()
FAILED_STEPS=0
step() {
    local name=$1 begun=$SECONDS code=0
    shift
    say "$name"
    "$@" || code=$?
    local outcome=ok
    if [ "$code" -ne 0 ]; then
        outcome=FAILED
        FAILED_STEPS=$((FAILED_STEPS + 1))
    fi
    STEPS+=("$(printf '%-44s %5d s  %s' "$name" $((SECONDS - begun)) "$outcome")")
    return "$code"
}

# times: the time of each step so far.
times() {
    say "Time of each step"
    printf '%s\n' "${STEPS[@]}"
}

# as_root COMMAND...: only where that needs no password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# apt_install PACKAGE...: true if they could be installed.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    echo "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    as_root apt-get update -qq >/dev/null 2>&1 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

# postgres_tools: prints the folder of initdb and pg_ctl.
postgres_tools() {
    local folder
    if command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/initdb" ]; then
        pg_config --bindir
        return 0
    fi
    for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return 0
        fi
    done
    return 1
}
