# shellcheck shell=sh disable=SC2034 # load.sh, which reads this file, uses what it sets
# Gatling: the simulation takes its users from Java properties; its samples are read from its log,
# which is text up to Gatling 3.11.
STARTS_EARLY=
samples=samples.csv

get_ready() {
    command -v java > /dev/null || {
        echo "java is not on this machine; let load_engine's prepare install it"
        exit 1
    }
}

set_up() {
    echo 0 > log-offset
    echo 0 > log-users
    echo "timeStamp,elapsed,success,allThreads,label,responseMessage" > samples.csv
}

start() {
    exec java -cp "$CLASSPATH" "-Dtarget=$LOADMUSTER_TARGET" "-Dusers=$LOADMUSTER_USERS" \
        "-Dramp_up_s=$RAMP_UP_S" "-Dduration_s=$LOADMUSTER_DURATION_S" \
        "-Dinjector=$LOADMUSTER_INJECTOR" "-Dinjectors=$LOADMUSTER_INJECTORS" \
        "-Dprofile=$LOADMUSTER_PROFILE" \
        io.gatling.app.Gatling --simulation "$MAIN" --results-folder ../gatling --no-reports
}
begin() { :; }

gather() {
    for log in gatling/*/simulation.log; do
        [ -s "$log" ] || return 0
        case $(head -c 3 "$log" | tr -d '\0') in
            RUN | ASS) ;;
            *)
                echo "its simulation.log is not text; Gatling 3.11 was the last that wrote it so" \
                    > problem
                return 1
                ;;
        esac
        new_lines "$log" "$(cat log-offset)" "$1"
        LC_ALL=C awk -v users="$(cat log-users)" -f csv.awk -f gatling.awk lines >> samples.csv
        mv users.part log-users
        echo $(($(cat log-offset) + $(wc -c < lines))) > log-offset
    done
}

# Assertions that failed.
is_finding() { [ "$1" -eq 2 ]; }
