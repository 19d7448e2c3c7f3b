# shellcheck shell=sh disable=SC2034 # load.sh, which reads this file, uses what it sets
# Gatling: the simulation takes its users from Java properties; its samples are read from its log,
# which is text up to Gatling 3.11.
STARTS_EARLY=
samples=samples.csv
# It guards nothing: the certificates in the store are public.
STORE_PASSWORD=loadmuster

get_ready() {
    command -v java > /dev/null || {
        echo "java is not on this machine; let load_engine's prepare install it"
        exit 1
    }
    # Long before the start: Java takes its time.
    [ ! -f ca.pem ] || make_store || exit 1
}

set_up() {
    echo 0 > log-offset
    echo 0 > log-users
    echo "timeStamp,elapsed,success,allThreads,label,responseMessage" > samples.csv
}

# Left alone, Gatling takes any certificate. Java keeps authorities in a store of its own.
trust() {
    [ "$LOADMUSTER_TLS_VERIFY" = true ] || return 0
    echo "-Dgatling.ssl.useInsecureTrustManager=false"
    echo "-Dgatling.http.enableHostnameVerification=true"
    [ -f trust.p12 ] || return 0
    echo "-Dgatling.ssl.trustStore.type=PKCS12"
    echo "-Dgatling.ssl.trustStore.file=$PWD/trust.p12"
    echo "-Dgatling.ssl.trustStore.password=$STORE_PASSWORD"
}

make_store() { # a store of the certificates in ca.pem, each by its number
    awk '/-----BEGIN CERTIFICATE-----/ { number++ } number { print > ("ca-" number ".pem") }' ca.pem
    for one in ca-[0-9]*.pem; do
        keytool -importcert -noprompt -alias "$one" -file "$one" -keystore trust.p12 \
            -storetype PKCS12 -storepass "$STORE_PASSWORD" > keytool.log 2>&1 || {
            cat keytool.log
            return 1
        }
    done
}

start() {
    # shellcheck disable=SC2046 # a word for each property; none has a space but a folder's name
    set -- $(cd .. && trust)
    exec java -cp "$CLASSPATH" "-Dtarget=$LOADMUSTER_TARGET" "-Dusers=$LOADMUSTER_USERS" \
        "-Dramp_up_s=$RAMP_UP_S" "-Dduration_s=$LOADMUSTER_DURATION_S" \
        "-Dinjector=$LOADMUSTER_INJECTOR" "-Dinjectors=$LOADMUSTER_INJECTORS" \
        "-Dprofile=$LOADMUSTER_PROFILE" "$@" \
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
