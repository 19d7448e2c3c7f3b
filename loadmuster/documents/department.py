"""The documents of departments: one with its credits and its wallet, or all of an account's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loadmuster.documents.as_of import as_of_part
from loadmuster.documents.instants import local_to
from pricing.money import format_usd

if TYPE_CHECKING:
    from pricing.accounts.account import Account
    from pricing.accounts.clock import AsOf
    from pricing.departments.commands import DepartmentView


def department_document(account: Account, view: DepartmentView) -> dict[str, Any]:
    """What every ``department`` command answers with; ``list`` with one for each.

    Example:
        {"account": "acme", "department": "research",
         "as_of": "2027-02-01T12:00:00+01:00", "hypothetical": false,
         "allocation_li_minutes": 600, "balance_li_minutes": 540, "reserved_li_minutes": 0,
         "lots": [{"id": 2, "kind": "plan", "amount": 600, "remaining": 540, "reserved": 0,
                   "expires_at": null}],
         "wallet": {"limit_usd": "100.00", "spent_usd": "0.00", "reserved_usd": "0.00",
                    "available_usd": "100.00",
                    "month": {"start": "2027-01-25T00:00:00+01:00",
                              "end": "2027-02-25T00:00:00+01:00"}}}

        ``allocation_li_minutes`` is the share of each grant, ``balance_li_minutes`` what is left of
        all shares, the reserved ones included. Instants are in the account's zone.
    """
    local = local_to(account.timezone)
    wallet = view.wallet
    return {
        "account": account.id,
        "department": view.department.name,
        **({} if view.as_of is None else as_of_part(view.as_of, account.timezone)),
        "allocation_li_minutes": view.department.allocation_li_minutes,
        "balance_li_minutes": view.balance_li_minutes,
        "reserved_li_minutes": view.reserved_li_minutes,
        "lots": [
            {
                "id": lot.id,
                "kind": lot.kind.value,
                "amount": lot.amount,
                "remaining": lot.remaining,
                "reserved": lot.reserved,
                "expires_at": None if lot.expires_at is None else local(lot.expires_at),
            }
            for lot in view.lots
        ],
        "wallet": {
            "limit_usd": format_usd(wallet.limit_usd_micros),
            "spent_usd": format_usd(wallet.spent_usd_micros),
            "reserved_usd": format_usd(wallet.reserved_usd_micros),
            "available_usd": format_usd(wallet.available_usd_micros),
            "month": {
                "start": local(wallet.period.start),
                "end": local(wallet.period.end),
            },
        },
    }


def departments_document(
    account: Account, views: Sequence[DepartmentView], as_of: AsOf
) -> dict[str, Any]:
    """All departments of an account, as ``department list`` prints them."""
    return {
        "account": account.id,
        **as_of_part(as_of, account.timezone),
        "departments": [department_document(account, view) for view in views],
    }
