#!/bin/sh
# Four months of a customer on plans, told by the commands that do it.
#
#   sh examples/plans.sh
#
# Time is a test clock: each `on` is an instant in Paris, and what is due by then is done once.
# The books are a database of their own that is removed at the end; LOADMUSTER_DB names another,
# which stays. LOADMUSTER is the command, if it is not on the path.
set -eu
cd "$(dirname "$0")/.."

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
LOADMUSTER_DB=${LOADMUSTER_DB:-sqlite:///$home/books.db}
COLUMNS=100
export LOADMUSTER_DB COLUMNS

tell() { printf '\n== %s\n' "$*"; }
on() {
    instant=$1
    shift
    ${LOADMUSTER:-loadmuster} --now "$instant" "$@"
}

tell '25 January: acme goes on Starter. 199 USD are paid, 1,800 LI-minutes are there at once.'
on 2027-01-25T10:15+01:00 account open acme --plan starter --timezone Europe/Paris \
    --administrator ann

tell '1 February: a load test, rehearsed on a simulated cloud. Its bill is shown, and nothing is taken.'
on 2027-02-01T09:00+01:00 run examples/checkout.yaml --account acme --provider aws --dry-run \
    --speed 600 >"$home/run.txt" 2>&1 || { cat "$home/run.txt" >&2; exit 1; }
sed -n '/^Bill/,$p' "$home/run.txt"
on 2027-02-01T12:00+01:00 account show acme

tell '24 February, a day before the cycle ends: up to Professional. The full 500 USD, nothing prorated.'
on 2027-02-24T12:00+01:00 account upgrade acme --plan professional --request-id up
on 2027-02-24T12:00+01:00 invoices acme

tell '25 February: the next cycle, on the same day as ever, at 699 USD. What was unused is still there.'
on 2027-02-25T00:00+01:00 account show acme

tell '10 March: a boost, one more month of LI-minutes for the price of the month.'
on 2027-03-10T09:00+01:00 account boost acme --request-id once-more

tell '20 March: down to Starter. Nothing happens before the boundary.'
on 2027-03-20T09:00+01:00 account downgrade acme --plan starter

tell '25 March: what was unused is void, the grant is the smaller one: 1,800 exactly.'
on 2027-03-25T00:00+01:00 account show acme

tell '1 April: ann asks for the end, and a representative confirms it. It takes effect on 25 April.'
on 2027-04-01T09:00+02:00 account cancel acme --by ann >/dev/null
on 2027-04-01T15:00+02:00 account confirm-cancel acme --representative rita

tell '26 April: nothing was charged on the 25th, and nothing can be run.'
on 2027-04-26T09:00+02:00 account show acme
on 2027-04-26T09:00+02:00 run examples/checkout.yaml --account acme --provider aws --dry-run \
    2>&1 && exit 1

tell '10 May: within a month, acme comes back. A new cycle, from the 10th.'
on 2027-05-10T09:00+02:00 account renew acme

tell 'The plans that it was on, and every invoice.'
on 2027-05-10T12:00+02:00 account history acme
on 2027-05-10T12:00+02:00 invoices acme
