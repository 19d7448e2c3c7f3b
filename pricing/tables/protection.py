"""What the database itself refuses to change or to delete, by triggers, on either kind of database.

A table of money is history (its rows never change), or it is kept: rows stay, with the columns that
say what they are about, and only a state that moves on is written over. The migrations hold the
triggers, and a test compares them with this.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

HISTORY = (
    *("transactions", "postings", "lots", "invoices", "invoice_lines", "commands"),
    *("slices", "department_runs", "extra_purchases", "healings", "closed_months"),
    *("sellers", "tax_lines", "told_taxes", "installation"),
)
"""Tables whose rows never change and never go."""


class Kept(Struct, frozen=True):
    """A table whose rows stay.

    Attributes:
        fixed: Columns that never change.
        future_may_go: Whether a row that begins after its account's last command may be deleted,
            as it is when an account that was pushed ahead is healed.
    """

    fixed: tuple[str, ...]
    future_may_go: bool = False


KEPT: Mapping[str, Kept] = {
    "accounts": Kept(("id", "timezone", "activated_at", "opened_at")),
    "requests": Kept(("account_id", "request_id", "command", "made_at")),
    "subscriptions": Kept(
        ("id", "account_id", "anchor_day", "timezone", "first_period", "started_at")
    ),
    "periods": Kept(("subscription_id", "n", "starts_at", "ends_at"), future_may_go=True),
    "terms": Kept(
        ("id", "account_id", "subscription_id", "plan", "document", "started_at"),
        future_may_go=True,
    ),
    "changes": Kept(("id", "account_id", "subscription_id", "kind", "requested_at")),
    "payments": Kept(("cause", "account_id")),
    "payment_attempts": Kept(
        (
            *("id", "key", "purpose", "attempt", "account_id", "usd_micros", "currency"),
            *("channel", "at_once", "command", "request_id", "asked_at"),
        )
    ),
    "refunds": Kept(
        (
            *("id", "key", "account_id", "invoice", "cause", "payment_key", "usd_micros"),
            *("currency", "keeps_credits", "request_id", "asked_at"),
        )
    ),
    "reservations": Kept(("run_id", "account_id", "quote", "rehearsal", "reserved_at")),
    "lot_closures": Kept(("lot_id", "account_id", "reason"), future_may_go=True),
    "departments": Kept(("id", "account_id", "created_at")),
    "department_lots": Kept(("lot_id", "department_id", "source_lot_id"), future_may_go=True),
    "extra_credit_limits": Kept(("account_id",)),
    "persons": Kept(("id", "account_id", "kind")),
}
"""Tables whose rows stay, while a state in them moves on."""

FREE: Mapping[str, str] = {
    "administrators": "who speaks for an account now; their names go with it",
    "billing_details": "who the customer is now; personal data, which goes with the account",
    "invoice_series": "the last number of each series; invoices hold the numbers themselves",
    "balance_snapshots": "sums of postings, which can be made again",
    "snapshot_marks": "up to where those sums go",
    "rehearsed_charges": "what a rehearsal would have cost; nobody owes it",
}
"""Tables beside them that anything may be done with, and why."""
