#!/bin/sh
# Measures what this machine uses while the load is on: measure.sh START_AT WINDOW_S ROOT KEEP, where
# ROOT is the process below which all of the machine's work is. Replaces `machine.json` at the end
# of every window, until ROOT ends; with KEEP=1 every look at the machine is in it. A machine without
# /proc is not measured.
set -u
[ -r /proc/stat ] && [ -r /proc/meminfo ] || exit 0
start_s=${1%.*}
window_s=$2
root=$3
keep=$4
ticks_per_s=$(getconf CLK_TCK)
cores=${LOADMUSTER_CORES:-$(getconf _NPROCESSORS_ONLN)}

look() {
    if [ -n "${LOADMUSTER_CORES:-}" ]; then
        awk -v root="$root" -v cores="$cores" -v page_bytes="$(getconf PAGESIZE)" \
            -v ticks_per_s="$ticks_per_s" -f measure.awk /proc/[0-9]*/stat 2>/dev/null
    else
        awk -f measure.awk
    fi | tr '\n' ' '
    [ "$keep" = 0 ] || requests
    echo
}

requests() { # What the load engine's processes have done by now, and how much of it failed.
    sed -n 's/.*"requests": \([0-9]*\), "failures": \([0-9]*\).*/\1 \2/p' report-*.json 2>/dev/null |
        awk '{ made += $1; failed += $2 } END { printf "%d %d", made, failed }'
}

while [ "$(date +%s)" -lt "$start_s" ]; do
    kill -0 "$root" 2>/dev/null || exit 0
    sleep 0.2
done
look > looks
waited=0
while kill -0 "$root" 2>/dev/null; do
    # Seconds one by one: a sleep outlives who is told to end.
    sleep 1
    waited=$((waited + 1))
    [ $((waited % window_s)) -eq 0 ] || continue
    look >> looks
    awk -v cores="$cores" -v keep="$keep" -v ticks_per_s="$ticks_per_s" '
        NR == 1 { first_busy = $1; first_ticks = $2 }
        NR > 1 && $2 > ticks {
            percent = 100 * ($1 - busy) / ($2 - ticks)
            if (percent > most) most = percent
        }
        { busy = $1; ticks = $2; if ($3 > memory) memory = $3; all = $4 }
        keep {
            all_s = (ticks - first_ticks) / ticks_per_s
            looks = looks sprintf("%s[%.2f, %.2f, %.0f, %d, %d]", NR > 1 ? ", " : "", \
                all_s / cores, (busy - first_busy) / ticks_per_s, $3, $5, $6)
        }
        END {
            if (ticks <= first_ticks) exit 1
            printf "{\"cpu_percent_max\": %.1f, \"cpu_percent_mean\": %.1f, ", most, \
                100 * (busy - first_busy) / (ticks - first_ticks)
            printf "\"memory_used_bytes_max\": %.0f, \"memory_bytes\": %.0f, ", memory, all
            printf "\"cores\": %d, \"looks\": [%s]}\n", cores, looks
        }
    ' looks > machine.part && mv machine.part machine.json
done
