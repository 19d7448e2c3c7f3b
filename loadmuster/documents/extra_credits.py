"""The document of an account's extra credits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.departments.extra_credits import ExtraCredits


def extra_credits_document(account: Account, extra: ExtraCredits) -> dict[str, Any]:
    """What ``account extra-credits`` answers with.

    Example:
        {"id": "acme", "limit_credits": 600, "bought_credits": 120, "reserved_credits": 0,
         "available_credits": 480, "usd_each": "0.15",
         "period": {"start": "2027-01-25T00:00:00+01:00", "end": "2027-02-25T00:00:00+01:00"}}

        ``bought_credits`` counts the current period's; ``period`` and ``usd_each`` are null where
        the account can buy none.
    """
    local = local_to(account.timezone)
    period, each = extra.period, extra.usd_micros_each
    return {
        "id": account.id,
        "limit_credits": extra.limit_li_minutes,
        "bought_credits": extra.bought_li_minutes,
        "reserved_credits": extra.reserved_li_minutes,
        "available_credits": extra.available_li_minutes,
        "usd_each": None if each is None else format_usd(each),
        "period": None
        if period is None
        else {"start": local(period.start), "end": local(period.end)},
    }
