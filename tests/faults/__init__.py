"""The deliberate faults of ``make mutants``, room by room: a test must catch each."""

from __future__ import annotations

from tests.faults import (
    accounts,
    departments,
    ledger,
    payments,
    prices,
    refunds,
    reports,
    run_charges,
    runs,
    subscriptions,
    taxes,
)
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *prices.FAULTS,
    *ledger.FAULTS,
    *run_charges.FAULTS,
    *payments.FAULTS,
    *refunds.FAULTS,
    *subscriptions.FAULTS,
    *accounts.FAULTS,
    *departments.FAULTS,
    *reports.FAULTS,
    *taxes.FAULTS,
    *runs.FAULTS,
)
