#!/bin/sh
# Plays this injector's share of the load: one Locust for each processor, each with its part.
# Makes the file `ready` when all of them wait for the file `go`.
set -u
# shellcheck disable=SC3045 # every shell of an injector knows it; one that does not goes without
ulimit -n 65536 2>/dev/null || :
python=${LOADMUSTER_PYTHON:-venv/bin/python}
LOADMUSTER_PARTS=${LOADMUSTER_CORES:-$(getconf _NPROCESSORS_ONLN)}
# Who started this: when it has gone, nobody wants the load any more.
LOADMUSTER_STARTER=$PPID
export LOADMUSTER_PARTS LOADMUSTER_STARTER
# A locustfile's users have the scenario's target for their host.
set --
[ ! -f host ] || set -- --host "$(cat host)"
tell() { # tell STATUS: the last line that is said is the one that people read
    [ "$1" -eq 0 ] || [ ! -f problem ] || { wait; cat problem; }
    exit "$1"
}

running=
part=0
while [ "$part" -lt "$LOADMUSTER_PARTS" ]; do
    # Settings that lie in somebody's home are for other loads.
    HOME=$PWD LOADMUSTER_PART=$part "$python" -m locust --locustfile locust_slice.py --headless \
        --only-summary --exit-code-on-error 0 "$@" &
    running="$running $!"
    part=$((part + 1))
done
trap 'kill -TERM $running 2>/dev/null' TERM INT HUP
waiting=0
while [ "$waiting" -lt "$LOADMUSTER_PARTS" ]; do
    for process in $running; do
        # shellcheck disable=SC2086 # a word for each process
        kill -0 "$process" 2>/dev/null || { kill -TERM $running 2>/dev/null; tell 1; }
    done
    # shellcheck disable=SC2086 # a word for each process
    kill -0 "$PPID" 2>/dev/null || { kill -TERM $running 2>/dev/null; exit 1; }
    waiting=$(find . -maxdepth 1 -name 'waiting-*' | wc -l)
    sleep 0.2
done
: > ready
status=0
part=0
for process in $running; do
    wait "$process"
    ended=$?
    # A signal ends the wait before the process does, and is not how the process ended.
    while kill -0 "$process" 2>/dev/null; do
        wait "$process"
        ended=$?
    done
    # A locustfile may end a load that was played with a status of its own.
    [ "$ended" -eq 0 ] || [ -f "played-$part" ] || status=$ended
    part=$((part + 1))
done
tell "$status"
