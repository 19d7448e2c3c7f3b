#!/bin/sh
# Plays this injector's share with the scenario's program, and turns its samples into the report.
#
# `program.sh` says what is played; the file `go`, once it is there, when, and whose share.
# `engine.sh` knows the program. Its functions: `set_up`; `start`, which becomes the program;
# `begin`, at the common instant; `gather LAST`, which brings `$samples` up to date; and `is_finding
# STATUS`, whether an exit status speaks of the target and not of a failure. What cannot be read is
# said in the file `problem`.
set -u
REPORT_S=2
DETAIL_S=15
OVERRUN_S=8
# shellcheck disable=SC3045 # every shell of an injector knows it; one that does not goes without
ulimit -n 65536 2>/dev/null || :
# shellcheck source=/dev/null # written for each run
. ./program.sh
# shellcheck source=../k6/engine.sh source-path=SCRIPTDIR # or that of another engine
. ./engine.sh

share_of() { # share_of USERS: this injector's part; over all injectors it is USERS
    echo $(($1 * high / whole - $1 * low / whole))
}

new_lines() { # new_lines FILE FROM LAST: puts the whole lines after FROM bytes into `lines`
    tail -c "+$(($2 + 1))" "$1" > lines
    # A line that is only half there waits for the rest, unless nothing more can come.
    if [ -z "$3" ] && [ -n "$(tail -c 1 lines)" ]; then
        sed '$d' lines > lines.whole
        mv lines.whole lines
    fi
}

launch() {
    (cd files && start) > program.log 2>&1 &
    program=$!
}

tree_of() { # tree_of PID: it and all that it started
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2 }
        END {
            mine[root] = more = 1
            while (more) {
                more = 0
                for (pid in parent)
                    if (!(pid in mine) && (parent[pid] in mine)) mine[pid] = more = 1
            }
            for (pid in mine) print pid
        }'
}

end_program() { # end_program GRACE_S: told to, and killed after a grace
    tree=$(tree_of "$program")
    # shellcheck disable=SC2086 # a word for each process
    kill -TERM $tree 2>/dev/null
    tenths=$(($1 * 10))
    while kill -0 "$program" 2>/dev/null && [ "$tenths" -gt 0 ]; do
        sleep 0.1
        tenths=$((tenths - 1))
    done
    # shellcheck disable=SC2046,SC2086 # likewise
    kill -KILL $tree $(tree_of "$program") 2>/dev/null
}

report() { # report ENDED [WHY]: what was sampled so far, in the place of the last report
    gather "$1" || return 1
    from=$(awk '$1 == "offset" { print $2 }' state)
    detail=
    if [ -n "$1" ] || [ $(($(date +%s) - detailed_s)) -ge "$DETAIL_S" ]; then
        detail=detail.part
        detailed_s=$(date +%s)
    fi
    if [ -f "$samples" ]; then new_lines "$samples" "$from" "$1"; else : > lines; fi
    WHY=${2:-} LC_ALL=C awk -v start_s="$start_s" -v began_s="$began_s" -v now_s="$(date +%s)" \
        -v duration_s="$LOADMUSTER_DURATION_S" -v ended="$1" \
        -v offset="$((from + $(wc -c < lines)))" -v detail="$detail" \
        -f csv.awk -f detail.awk -f samples.awk state lines > report.part 2> problem || return 1
    [ -z "$detail" ] || mv detail.part detail-0.json
    mv state.part state && mv report.part report-0.json
}

fail() { # fail WHY: the last line that is said is the one that people read
    why=$(echo "$1" | LC_ALL=C tr -c ' -~' ' ' | cut -c 1-500)
    report failed "$why"
    echo "$why"
    exit 1
}

told=
trap 'told=yes' TERM INT HUP
echo "offset 0" > state
: > ready
until [ -f go ]; do
    [ -z "$told" ] && kill -0 "$PPID" 2>/dev/null || exit 0
    sleep 0.1
done
read -r start_at share LOADMUSTER_INJECTOR LOADMUSTER_INJECTORS < go
start_s=${start_at%.*}
low=${share%%-*}
whole=${share##*-}
high=${share#*-}
high=${high%-*}
while read -r at_s users; do
    echo "$at_s,$(share_of "$users")"
done < corners > profile.csv
LOADMUSTER_USERS=$(share_of "$USERS_MAX")
LOADMUSTER_SHARE=$low/$high/$whole
LOADMUSTER_START_AT=$start_s
LOADMUSTER_PROFILE=$PWD/profile.csv
LOADMUSTER_RESULTS=$RESULTS
export LOADMUSTER_INJECTOR LOADMUSTER_INJECTORS LOADMUSTER_USERS LOADMUSTER_SHARE
export LOADMUSTER_RESULTS LOADMUSTER_START_AT LOADMUSTER_PROFILE LOADMUSTER_TARGET LOADMUSTER_DURATION_S

if [ -f ca.pem ]; then
    # Each program believes the authorities that one of these names.
    LOADMUSTER_TLS_CA=$PWD/ca.pem
    SSL_CERT_FILE=$LOADMUSTER_TLS_CA
    REQUESTS_CA_BUNDLE=$LOADMUSTER_TLS_CA
    CURL_CA_BUNDLE=$LOADMUSTER_TLS_CA
    NODE_EXTRA_CA_CERTS=$LOADMUSTER_TLS_CA
    export LOADMUSTER_TLS_CA SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS
fi
export LOADMUSTER_TLS_VERIFY

began_s=$start_s
detailed_s=$start_s
set_up || fail "its program cannot be set up"
[ -z "$STARTS_EARLY" ] || launch
while [ "$(date +%s)" -lt "$start_s" ]; do
    [ -z "$told" ] || break
    kill -0 "$PPID" 2>/dev/null || break
    sleep 0.05
done
[ -n "$STARTS_EARLY" ] || launch
begin
began_s=$(date +%s)

end_s=$((start_s + LOADMUSTER_DURATION_S + OVERRUN_S))
reported_s=0
overran=
while kill -0 "$program" 2>/dev/null; do
    now_s=$(date +%s)
    kill -0 "$PPID" 2>/dev/null || told=yes
    if [ -n "$told" ]; then
        end_program 1
        report cancelled
        exit 0
    elif [ "$now_s" -ge "$end_s" ]; then
        # The plan was played; what goes on after it is cut off.
        overran=yes
        end_program 3
    elif [ $((now_s - reported_s)) -ge "$REPORT_S" ]; then
        report "" || { end_program 1; fail "$(cat problem)"; }
        reported_s=$now_s
    fi
    sleep 0.2
done
wait "$program"
status=$?
if [ -n "$told" ]; then
    report cancelled
    exit 0
fi
if [ "$status" -ne 0 ] && [ -z "$overran" ] && ! is_finding "$status"; then
    fail "its program ended with status $status: $(grep . program.log | tail -n 1)"
fi
# Whoever reads that it was completed looks no further.
[ -f "$samples" ] || fail "its program left no ${samples#files/}"
if ! report completed; then fail "$(cat problem)"; fi
