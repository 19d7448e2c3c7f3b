# shellcheck shell=sh disable=SC2034,SC2154 # load.sh, which reads this file, shares its variables
# k6: every injector plays its execution segment. It starts paused, so that its users are there at
# the common instant, and is resumed over its own REST API.
STARTS_EARLY=yes
samples=samples.csv
port=$((10000 + $$ % 20000))
work=$PWD

get_ready() {
    find_k6
    if command -v k6 > /dev/null; then
        [ -n "$VERSION" ] || return 0
        case "$(k6 version || :) " in
            *"v$VERSION "*) return 0 ;;
        esac
    fi
    [ -n "$VERSION" ] || {
        echo "k6 is not on this machine; give load_engine a version, or let its prepare install it"
        exit 1
    }
    case $(uname -m) in
        x86_64) arch=amd64 ;;
        aarch64 | arm64) arch=arm64 ;;
        *) echo "there is no k6 for a $(uname -m)"; exit 1 ;;
    esac
    name=k6-v$VERSION-linux-$arch
    curl --fail --silent --show-error --location --retry 4 --max-time 300 --output k6.tar.gz \
        "https://github.com/grafana/k6/releases/download/v$VERSION/$name.tar.gz" || {
        echo "k6 $VERSION cannot be fetched"
        exit 1
    }
    tar -xzf k6.tar.gz && mkdir bin && mv "$name/k6" bin/k6
}

find_k6() {
    # What was fetched goes before what the machine has.
    PATH=$work/bin:$work/files:$PATH
}

# What one injector of many plays, as k6 wants to be told: `FROM:TO SEQUENCE`, in fractions of
# SEGMENTS, which is small because k6 makes tables of that length.
segment() { # segment INJECTOR START_FILE
    awk -v mine="$1" -v parts="$SEGMENTS" '
        NR > 1 {
            split($2, share, "-")
            low = int(share[1] * parts / share[3])
            high = int(share[2] * parts / share[3])
            if (NR - 2 == mine) from = low < high ? low "/" parts ":" high "/" parts : ""
            if (high > last) sequence = sequence "," high "/" parts
            last = high
        }
        END {
            sub("," parts "/" parts "$", ",1", sequence)
            if (from) print from, "0" sequence
        }' "$2"
}

set_up() {
    # Without a user there is no segment, and nothing to be played.
    k6_segment=$(segment "$LOADMUSTER_INJECTOR" start)
    mkfifo k6.csv
    (
        trap '' TERM INT HUP
        LC_ALL=C exec awk -f csv.awk -f k6.awk < k6.csv > samples.csv
    ) &
    filter=$!
}

start() {
    find_k6
    export K6_CSV_TIME_FORMAT=unix K6_NO_USAGE_REPORT=true
    if [ -z "$k6_segment" ]; then
        : > ../k6.csv
        exec sleep "$LOADMUSTER_DURATION_S"
    fi
    set -- run --quiet --paused --address "127.0.0.1:$port" --out csv=-
    set -- "$@" --execution-segment "${k6_segment% *}"
    set -- "$@" --execution-segment-sequence "${k6_segment#* }"
    if [ -z "$OWN_PROFILE" ]; then
        while read -r stage; do set -- "$@" --stage "$stage"; done < ../stages
    fi
    [ "$LOADMUSTER_TLS_VERIFY" = true ] || set -- "$@" --insecure-skip-tls-verify
    exec k6 "$@" "./$MAIN" > ../k6.csv
}

begin() {
    [ -n "$k6_segment" ] || return
    tries=0
    until curl --fail --silent --output /dev/null --request PATCH --max-time 5 \
        --header 'Content-Type: application/json' \
        --data '{"data":{"type":"status","id":"default","attributes":{"paused":false}}}' \
        "http://127.0.0.1:$port/v1/status"; do
        kill -0 "$program" 2>/dev/null && [ -z "$told" ] && [ "$tries" -lt 300 ] || return
        tries=$((tries + 1))
        sleep 0.1
    done
}

gather() {
    # Once k6 has ended, its last samples are on their way through the filter.
    [ -z "$1" ] || wait "$filter"
}

# Thresholds that were crossed.
is_finding() { [ "$1" -eq 99 ]; }
