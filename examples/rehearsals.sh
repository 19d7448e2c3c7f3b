#!/bin/sh
# Four rehearsals with real load: a simulated AWS and a simulated Azure, each to its end and
# cancelled half-way.
#
#   sh examples/rehearsals.sh
#
# The machines are processes of this computer that run the very script of a cloud's injectors; they
# load examples/shop.py with Locust. The books are a database that is removed at the end;
# LOADMUSTER_DB names another. LOADMUSTER is the command, PYTHON what has the extra `demo`.
set -eu
cd "$(dirname "$0")/.."

home=$(mktemp -d)
shop=
trap '[ -z "$shop" ] || kill "$shop"; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
LOADMUSTER_DB=${LOADMUSTER_DB:-sqlite:///$home/books.db}
COLUMNS=100
export LOADMUSTER_DB COLUMNS

${PYTHON:-python3} examples/shop.py --port 0 > "$home/address" &
shop=$!
until [ -s "$home/address" ]; do sleep 0.1; done

show() { # show COMMAND: what is typed, then what it says
    printf '\n$ loadmuster %s\n' "$*"
    ${LOADMUSTER:-loadmuster} "$@" 2> "$home/progress" || { cat "$home/progress" >&2; exit 1; }
}
state() { ${LOADMUSTER:-loadmuster} --json show "$1" | sed -n 's/^ *"state": "\(.*\)",$/\1/p'; }

show account open acme --plan starter
for cloud in aws azure; do
    rush="examples/rush.yaml --set TARGET=$(cat "$home/address") --account acme --provider $cloud"
    show run $rush --dry-run --with-load --yes

    show run $rush --dry-run --with-load --yes --detach | tee "$home/detached"
    run=$(grep -o 'run-[0-9a-f]*' "$home/detached" | head -n 1)
    tries=0
    until [ "$(state "$run")" = running ] || [ "$tries" -gt 120 ]; do
        tries=$((tries + 1))
        sleep 1
    done
    sleep 10
    show cancel "$run"
    show show "$run"
done
show reap --yes
show account show acme
