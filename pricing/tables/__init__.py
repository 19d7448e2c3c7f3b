"""The tables of the books, a module a subject.

What is history, and what is kept while its state moves on, is protected by triggers, on SQLite and
on PostgreSQL alike: ``protection`` says which table is what. What a money command must do exactly
once carries a natural key that is unique in the database, and is written with ``insert_once``.
"""

from __future__ import annotations

from pricing.tables.accounts import ACCOUNTS, ADMINISTRATORS, HEALINGS, REQUESTS
from pricing.tables.among import among
from pricing.tables.columns import METADATA, Instant
from pricing.tables.commands import COMMANDS, PERSONS
from pricing.tables.departments import (
    DEPARTMENT_LOTS,
    DEPARTMENT_RUNS,
    DEPARTMENTS,
    EXTRA_CREDIT_LIMITS,
    EXTRA_PURCHASES,
)
from pricing.tables.disputes import DISPUTES
from pricing.tables.dunning import DUNNING_STEPS
from pricing.tables.invoices import (
    INVOICE_LINES,
    INVOICE_SERIES,
    INVOICES,
    PAYMENTS,
    UNCOLLECTED_PAYMENT,
)
from pricing.tables.ledger import (
    BALANCE_SNAPSHOTS,
    CLOSED_MONTHS,
    POSTINGS,
    SNAPSHOT_MARKS,
    TRANSACTIONS,
)
from pricing.tables.lots import LOT_CLOSURES, LOTS, RESERVATIONS, SLICES
from pricing.tables.many import accounts_with, insert_many, new_ids, update_many
from pricing.tables.once import insert_once, insert_unless_taken
from pricing.tables.parties import BILLING_DETAILS, SELLERS, TAX_LINES, TOLD_TAXES
from pricing.tables.payments import INSTALLATION, PAYMENT_ATTEMPTS
from pricing.tables.protection import FREE, HISTORY, KEPT
from pricing.tables.refunds import REFUNDS
from pricing.tables.rehearsals import REHEARSED_CHARGES
from pricing.tables.subscriptions import CHANGES, PERIODS, SUBSCRIPTIONS, TERMS

__all__ = [
    "ACCOUNTS",
    "ADMINISTRATORS",
    "BALANCE_SNAPSHOTS",
    "BILLING_DETAILS",
    "CHANGES",
    "CLOSED_MONTHS",
    "COMMANDS",
    "DEPARTMENTS",
    "DEPARTMENT_LOTS",
    "DEPARTMENT_RUNS",
    "DISPUTES",
    "DUNNING_STEPS",
    "EXTRA_CREDIT_LIMITS",
    "EXTRA_PURCHASES",
    "FREE",
    "HEALINGS",
    "HISTORY",
    "INSTALLATION",
    "INVOICES",
    "INVOICE_LINES",
    "INVOICE_SERIES",
    "KEPT",
    "LOTS",
    "LOT_CLOSURES",
    "METADATA",
    "PAYMENTS",
    "PAYMENT_ATTEMPTS",
    "PERIODS",
    "PERSONS",
    "POSTINGS",
    "REFUNDS",
    "REHEARSED_CHARGES",
    "REQUESTS",
    "RESERVATIONS",
    "SELLERS",
    "SLICES",
    "SNAPSHOT_MARKS",
    "SUBSCRIPTIONS",
    "TAX_LINES",
    "TERMS",
    "TOLD_TAXES",
    "TRANSACTIONS",
    "UNCOLLECTED_PAYMENT",
    "Instant",
    "accounts_with",
    "among",
    "insert_many",
    "insert_once",
    "insert_unless_taken",
    "new_ids",
    "update_many",
]
