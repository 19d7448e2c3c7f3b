"""The documents of the parties that invoices name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pricing.parties.party import party_to_json

if TYPE_CHECKING:
    from pricing.parties.party import Party
    from pricing.parties.retention import DataKind, Retention
    from pricing.parties.sellers import Seller


def billing_details_document(account_id: str, party: Party) -> dict[str, Any]:
    """Whom an account's invoices are for; a field is null where nobody has said it."""
    return {"id": account_id, **party_to_json(party)}


def sellers_document(versions: Sequence[Seller], now: Seller | None) -> dict[str, Any]:
    """The seller of now, null if there is none, and every version with the instant it counts from.

    Instants are in UTC: an installation has no time zone.
    """
    return {
        "seller": None if now is None else seller_row(now),
        "versions": [seller_row(each) for each in versions],
    }


def retention_document(kinds: Mapping[DataKind, Retention | None]) -> dict[str, Any]:
    """How long each kind of data is kept; all but the kind is null where that is not known.

    ``years`` count from the end of the calendar year; ``until`` says what ends it otherwise.
    """
    return {"kinds": [_retention_row(kind, rule) for kind, rule in kinds.items()]}


def _retention_row(kind: DataKind, rule: Retention | None) -> dict[str, Any]:
    fields = ("years", "until", "country", "law", "source")
    known = {name: None if rule is None else getattr(rule, name) for name in fields}
    first_day = None if rule is None else rule.first_day.isoformat()
    return {"kind": kind, **known, "in_force_from": first_day}


def seller_row(seller: Seller) -> dict[str, Any]:
    """One version of the seller."""
    return {
        **party_to_json(seller.party),
        "payment_days": seller.payment_days,
        "series": seller.series,
        "in_force_from": seller.in_force_from.isoformat(timespec="seconds"),
    }
