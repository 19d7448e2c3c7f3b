#!/bin/sh
# Makes the scenario's program ready on this machine: its files below `files`, then what the
# scenario says, then what the engine itself needs.
set -eu
. ./program.sh
. ./engine.sh
mkdir files
tar -xf files.tar -C files
[ ! -f user-prepare.sh ] || (cd files && sh ../user-prepare.sh)
get_ready
