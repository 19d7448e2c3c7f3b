#!/bin/sh
# What a load injector does: fetch its work, say that it is ready, start with the others, put its
# share of the load on, upload what it measured, go. Needs sh, curl, tar and awk.
set -u

@SETTINGS@

say() { echo "$(date -u +%H:%M:%S) $*"; }

send() { # send FILE AS_NAME
    curl --fail --silent --show-error --max-time 60 --retry 4 --output /dev/null @UPLOAD@
}

fetch() { # fetch URL FILE
    curl --fail --silent --max-time 60 --output "$2.part" "$1" && mv "$2.part" "$2"
}

send_log() { # the end of what its load generator wrote, for people
    cat prepare.log load.log program.log 2> /dev/null | tail -c 65536 > log
    send_once log "log.txt"
}

last_words() { # of the load engine: it may end with empty lines
    grep -v '^[[:space:]]*$' load.log | tail -n 1
}

give_up() { # give_up REASON
    say "giving up: $1"
    [ -z "$load" ] || kill -TERM "$load" 2>/dev/null
    send_log
    printf '%s\n' "$1" > failed
    send failed "failed-$GROUP-$machine"
    exit 1
}

send_reports() {
    # Reports say when all is over, so they come last.
    if mv machine.json machine.sent 2> /dev/null; then
        send machine.sent "machine-$machine.json"
    fi
    for report in report-*.json; do
        # It may be replaced meanwhile.
        cp "$report" sending 2> /dev/null || continue
        # What belongs to the last report was written before it, and is sent before it.
        detail=detail-${report#report-}
        cp "$detail" sending-detail 2> /dev/null && send_once sending-detail "$detail"
        # Whoever has read that it ended lets this machine go.
        if grep -q '"ended": "' sending; then send_log; fi
        send_once sending "$report"
    done
}

send_once() { # send_once FILE NAME: not again what was sent, since who reads may find half of it
    sum=$(cksum < "$1")
    [ "$sum" = "$(cat "sum-$2" 2> /dev/null)" ] ||
        { send "$1" "${2%.*}-$machine.${2##*.}" && echo "$sum" > "sum-$2"; }
}

load=
# The cloud's name for this machine where there is one: people look for it.
machine=${name:-${LOADMUSTER_MACHINE:-$(cat /var/lib/cloud/data/instance-id 2>/dev/null ||
    cat /proc/sys/kernel/random/uuid)}}
work=$(mktemp -d) && cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP

tries=0
until fetch "$BUNDLE_URL" bundle.tgz; do
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || give_up "the work cannot be fetched"
    sleep 1
done
tar -xzf bundle.tgz || give_up "the work cannot be unpacked"
sh ./prepare.sh > prepare.log 2>&1 || give_up "cannot get ready: $(tail -n 1 prepare.log)"

# The engine starts now and waits: what is slow about it is over before the common start.
sh ./load.sh > load.log 2>&1 &
load=$!
trap 'kill -TERM "$load" 2>/dev/null' TERM INT HUP
waited=0
until [ -f ready ]; do
    kill -0 "$load" 2>/dev/null || give_up "the load generator failed: $(last_words)"
    [ "$waited" -lt "$READY_WAIT_S" ] || give_up "the load generator was not up in $READY_WAIT_S s"
    sleep 1
    waited=$((waited + 1))
done
send ready "ready-$GROUP-$machine" || give_up "cannot say that it is ready"

waited=0
until fetch "$START_URL" start; do
    kill -0 "$load" 2>/dev/null || give_up "the load generator failed: $(last_words)"
    [ "$waited" -lt "$START_WAIT_S" ] || give_up "nobody started the load in $START_WAIT_S s"
    sleep "$POLL_S"
    waited=$((waited + POLL_S))
done
start_at=$(awk 'NR == 1 { print $1 }' start)
# Its share, its number from 0, and how many there are.
share=$(awk -v me="$machine" '$1 == me { mine = $2 " " (NR - 2) }
    END { if (mine) print mine, NR - 1 }' start)
if [ -z "$share" ]; then
    say "the others have started without this one"
    kill -TERM "$load"
    exit 0
fi
echo "$start_at $share" > go.part && mv go.part go
sh ./measure.sh "$start_at" "$MEASURE_S" "$$" "$KEEP_LOOKS" 2> /dev/null &
end_s=$((${start_at%.*} + LOAD_S_MAX))
while kill -0 "$load" 2>/dev/null; do
    sleep "$REPORT_S"
    send_reports
    [ "$(date +%s)" -lt "$end_s" ] || kill -KILL "$load" 2>/dev/null
done
wait "$load"
status=$?
send_reports
[ "$status" -eq 0 ] || give_up "the load generator failed: $(last_words)"
say "done"
