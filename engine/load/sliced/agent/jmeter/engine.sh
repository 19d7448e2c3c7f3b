# shellcheck shell=sh disable=SC2034 # load.sh, which reads this file, uses what it sets
# JMeter: the plan takes its threads from properties, and JMeter writes only what is needed of each
# sample.
STARTS_EARLY=
samples=files/loadmuster.jtl
work=$PWD

find_jmeter() {
    # What prepare unpacked goes before what the machine has.
    for bin in "$work"/files/jmeter/bin "$work"/files/apache-jmeter-*/bin; do
        [ ! -x "$bin/jmeter" ] || PATH=$bin:$PATH
    done
}

get_ready() {
    find_jmeter
    command -v jmeter > /dev/null || {
        echo "jmeter is not on this machine; let load_engine's prepare install it"
        exit 1
    }
}
set_up() {
    # JMeter would go on writing at its end.
    rm -f "$samples"
}

start() {
    find_jmeter
    set -- -n -t "./$MAIN" -l loadmuster.jtl -j jmeter.log
    set -- "$@" "-Jtarget=$LOADMUSTER_TARGET" "-Jusers=$LOADMUSTER_USERS"
    set -- "$@" "-Jramp_up_s=$RAMP_UP_S" "-Jduration_s=$LOADMUSTER_DURATION_S"
    set -- "$@" "-Jinjector=$LOADMUSTER_INJECTOR" "-Jinjectors=$LOADMUSTER_INJECTORS"
    set -- "$@" "-Jprofile=$LOADMUSTER_PROFILE" -Jjmeter.save.saveservice.autoflush=true
    while read -r property; do
        set -- "$@" "-Jjmeter.save.saveservice.$property"
    done < ../jtl-properties
    exec jmeter "$@"
}
begin() { :; }
gather() { :; }
is_finding() { return 1; }
