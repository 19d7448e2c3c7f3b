#!/bin/sh
# Makes Locust ready on this machine; LOADMUSTER_PYTHON names a Python that has it already.
set -eu

# A locustfile's own files, and what the scenario prepares for it; where there is a Python for it,
# its pip comes first.
own_files() {
    [ -f files.tar ] || return 0
    mkdir files
    tar -xf files.tar -C files
    [ ! -f user-prepare.sh ] || (cd files && PATH=$1:$PATH sh ../user-prepare.sh)
}

if [ -n "${LOADMUSTER_PYTHON:-}" ]; then
    own_files "$(dirname "$LOADMUSTER_PYTHON")"
    exit 0
fi

new_enough() {
    command -v "$1" && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
} > /dev/null 2>&1

find_python() {
    for python in python3 python3.13 python3.12 python3.11 python3.10; do
        if new_enough "$python"; then
            return
        fi
    done
    python=
}

find_python
if [ -z "$python" ]; then
    if command -v dnf > /dev/null; then
        dnf install --assumeyes --quiet python3.11 python3.11-pip
    else
        apt-get update --quiet
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet python3-venv
    fi
    find_python
fi
[ -n "$python" ] || { echo "there is no Python 3.10 or newer"; exit 1; }
"$python" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check "locust==$(cat locust-version)"
own_files "$PWD/venv/bin"
