#!/bin/sh
# Makes the scenario's program ready on this machine: its files below `files`, then what the
# scenario says, then what the engine itself needs.
set -eu
# shellcheck source=/dev/null # written for each run
. ./program.sh
# shellcheck source=../k6/engine.sh source-path=SCRIPTDIR # or that of another engine
. ./engine.sh
mkdir files
tar -xf files.tar -C files
[ ! -f user-prepare.sh ] || (cd files && sh ../user-prepare.sh)
get_ready
