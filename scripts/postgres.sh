#!/usr/bin/env bash
# A throw-away PostgreSQL for tests: fast, on loopback only, and gone afterwards.
#
#   scripts/postgres.sh run COMMAND..   start, run the command with POSTILJON_TEST_POSTGRES_URL set, stop;
#                                       exits with the code of the command
#   scripts/postgres.sh start [FOLDER]  start one, print its folder and its URL
#   scripts/postgres.sh stop FOLDER     stop the one of this folder and remove the folder
#
# PostgreSQL refuses to run as root: root runs it as the user postgres, or nobody where there is none.
# Nothing here is safe for data that anybody wants to keep: it never waits for the disk.
set -euo pipefail

MARK=postiljon-throw-away # in the folder: `stop` removes no folder without it
MAX_CONNECTIONS=200       # tests run in parallel, each with a pool of its own
START_SECONDS=60
STOP_SECONDS=30

fail() {
    echo "scripts/postgres.sh: $*" >&2
    exit 1
}

find_programs() {
    local folder
    for folder in $({ dirname "$(command -v pg_ctl)"; ls -d /usr/lib/postgresql/*/bin | sort -Vr; } 2>/dev/null); do
        if [[ -x $folder/initdb && -x $folder/pg_ctl && -x $folder/postgres ]]; then
            programs=$folder
            local major
            major=$("$folder/postgres" --version | grep -oE '[0-9]+' | head -n 1)
            ((major >= 15)) || fail "PostgreSQL 15 or later is needed, $folder has $major"
            return 0
        fi
    done
    fail "PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql/*/bin). Debian: apt-get install postgresql"
}

# Runs a command as the user that PostgreSQL may have. Its folder may be closed to that user, so it starts in /.
as_owner() {
    if ((EUID != 0)); then
        (cd / && exec "$@")
    elif command -v runuser >/dev/null; then
        (cd / && exec runuser -u "$owner" -- "$@")
    else
        (cd / && exec su -s /bin/sh "$owner" -c "$(printf '%q ' "$@")")
    fi
}

find_owner() {
    owner=$(id -un)
    ((EUID == 0)) || return 0
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
}

# A port that nobody listens on. Somebody may take it before we do: then the start fails, and is tried again.
free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    fail "no free port was found on 127.0.0.1"
}

start() {
    find_programs
    find_owner
    folder=${1:-$(mktemp -d "${TMPDIR:-/tmp}/postiljon-pg.XXXXXX")}
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    [[ -z $(ls -A "$folder") ]] || fail "$folder is not empty"
    touch "$folder/$MARK"
    ((EUID != 0)) || chown -R "$owner" "$folder"

    as_owner "$programs/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 \
        --locale C --no-sync >"$folder/initdb.log" 2>&1 || {
        cat "$folder/initdb.log" >&2
        fail "initdb failed"
    }
    cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = $MAX_CONNECTIONS
fsync = off
full_page_writes = off
synchronous_commit = off
CONF
    for _ in 1 2 3; do
        port=$(free_port)
        # Its output goes to a file: a pipe that it inherits would keep the caller waiting for ever.
        if as_owner "$programs/pg_ctl" start --pgdata "$folder/data" --wait --timeout "$START_SECONDS" \
            --options "-p $port" --log "$folder/server.log" >"$folder/start.log" 2>&1 </dev/null; then
            url="postgres://postgres@127.0.0.1:$port/postgres"
            return 0
        fi
    done
    cat "$folder/start.log" "$folder/server.log" >&2
    fail "the server did not start"
}

stop() {
    [[ -n ${1:-} && -e $1/$MARK ]] || fail "${1:-no folder} is not the folder of a throw-away PostgreSQL"
    find_programs
    find_owner
    local folder
    folder=$(cd "$1" && pwd)
    if [[ -e $folder/data/postmaster.pid ]]; then
        as_owner "$programs/pg_ctl" stop --pgdata "$folder/data" --mode immediate --timeout "$STOP_SECONDS" >/dev/null ||
            fail "the server in $folder did not stop"
    fi
    rm -rf -- "$folder"
}

run() {
    (($# > 0)) || fail "run what?"
    folder=""
    # A signal ends the command first: bash runs the trap when the wait for it ends.
    child=""
    trap '[[ -z $folder ]] || stop "$folder"' EXIT
    trap 'interrupted 130 INT' INT
    trap 'interrupted 143 TERM' TERM
    trap 'interrupted 129 HUP' HUP
    start
    POSTILJON_TEST_POSTGRES_URL=$url "$@" <&0 &
    child=$!
    local code=0
    wait "$child" || code=$?
    child=""
    exit "$code"
}

interrupted() {
    if [[ -n $child ]]; then
        # In the background SIGINT is ignored by what does not ask for it; SIGTERM is not.
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    exit "$1"
}

action=${1:-}
shift || true
case $action in
start)
    start "$@"
    echo "$folder"
    echo "$url"
    ;;
stop) stop "$@" ;;
run) run "$@" ;;
*)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
