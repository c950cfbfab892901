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

# python_with NAME REQUIREMENTS: makes an environment with what a file names, where there is none yet, and prints the
# program that runs in it. Says on the standard error what it does.
python_with() {
    local folder=${CARGO_TARGET_DIR:-$PWD/target}/python/$1 requirements=$2
    if [ ! -x "$folder/bin/python" ] || ! cmp -s "$requirements" "$folder/requirements.txt"; then
        rm -rf "$folder"
        make_python "$folder" "$requirements" >&2 || {
            rm -rf "$folder"
            return 1
        }
        cp "$requirements" "$folder/requirements.txt"
    fi
    echo "$folder/bin/python"
}

# make_python FOLDER REQUIREMENTS: a virtual environment, or where this Python has none a folder of packages.
make_python() {
    local folder=$1 requirements=$2
    local pip=(-m pip install --quiet --disable-pip-version-check --requirement "$requirements")
    command -v python3 >/dev/null 2>&1 || apt_install python3 || {
        echo "Python is missing and could not be installed (apt-get install python3)" >&2
        return 1
    }
    if python3 -m venv "$folder" >/dev/null 2>&1 ||
        { apt_install python3-venv python3-pip && python3 -m venv "$folder" >/dev/null 2>&1; }; then
        "$folder/bin/python" "${pip[@]}"
        return
    fi
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip || {
        echo "Python can neither make environments nor install packages (apt-get install python3-venv)" >&2
        return 1
    }
    rm -rf "$folder"
    mkdir -p "$folder/bin"
    python3 "${pip[@]}" --target "$folder/packages" || return 1
    printf '#!/bin/sh\nPYTHONPATH=%s${PYTHONPATH:+:$PYTHONPATH} exec python3 "$@"\n' "$folder/packages" >"$folder/bin/python"
    chmod +x "$folder/bin/python"
}

# node_packages FOLDER: what its lock file names, where that is not there yet.
node_packages() {
    local folder=$1
    command -v npm >/dev/null 2>&1 || {
        echo "Node is missing: https://nodejs.org" >&2
        return 1
    }
    [ -d "$folder/node_modules" ] && [ ! "$folder/package-lock.json" -nt "$folder/node_modules" ] && return 0
    (cd "$folder" && npm ci --no-audit --no-fund) && touch "$folder/node_modules"
}
