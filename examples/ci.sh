#!/bin/sh
# A step of a CI job: what comes after a load test comes only if it was completed and is valid.
#
#   sh examples/ci.sh http://127.0.0.1:8000
#
# A job that is repeated under the same CI_JOB_ID runs its load once. MAX_USD is its budget,
# LOADMUSTER the command, if it is not on the path.
set -u
cd "$(dirname "$0")/.." || exit 2

loadmuster() { ${LOADMUSTER:-command loadmuster} "$@"; }

loadmuster account open ci --request-id open-ci >/dev/null || exit
loadmuster run examples/smoke.yaml --set "TARGET=$1" --account ci --yes \
    --max-usd "${MAX_USD:-2.00}" --request-id "${CI_JOB_ID:-job-$$}"
code=$?
case $code in
    0) echo 'The load test passed: deploying.' ;;
    2) echo 'Not deployed: the load test was asked for wrongly.' ;;
    3) echo 'Not deployed: the load test was refused, and cost nothing.' ;;
    4) echo 'Not deployed: the provider failed.' ;;
    7) echo 'Not deployed: what was measured says nothing of the target.' ;;
    8 | 130) echo 'Not deployed: the load test was cancelled.' ;;
    *) echo "Not deployed: the load test ended with $code." ;;
esac
exit "$code"
