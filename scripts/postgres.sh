#!/usr/bin/env bash
# A private PostgreSQL for tests: `start FOLDER [BUFFERS]` makes and starts one and prints its address, `stop FOLDER` ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

command=${1:?start or stop}
folder=${2:?a folder}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v runuser >/dev/null 2>&1; then
        runuser -u postgres -- "$@"
    else
        su postgres -s /bin/sh -c "$(printf '%q ' "$@")"
    fi
}

free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
            echo "$port"
            return 0
        }
    done
    return 1
}

tools=$(postgres_tools) || {
    echo "PostgreSQL is not installed" >&2
    exit 1
}

case "$command" in
start)
    mkdir -p "$folder"
    if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
    port=$(free_port)
    cd "$folder"
    as_postgres "$tools/initdb" --pgdata "$folder/data" --username vestibule --auth trust --encoding UTF8 \
        --locale C --no-sync >"$folder/log" 2>&1 || {
        cat "$folder/log" >&2
        exit 1
    }
    # Nothing here outlives the tests, so nothing needs to be on the disk.
    options="-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off"
    options="$options -c full_page_writes=off -c max_connections=500 -c shared_buffers=${3:-64MB}"
    as_postgres "$tools/pg_ctl" --pgdata "$folder/data" --log "$folder/server.log" --wait --options "$options" start >/dev/null || {
        cat "$folder/server.log" >&2
        exit 1
    }
    echo "postgres://vestibule@127.0.0.1:$port/postgres"
    ;;
stop)
    cd /
    as_postgres "$tools/pg_ctl" --pgdata "$folder/data" --mode immediate --wait stop >/dev/null
    ;;
*)
    echo "start or stop, not $command" >&2
    exit 1
    ;;
esac
