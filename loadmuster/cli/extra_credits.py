"""``account extra-credits``: how many credits beyond the plan's an account may buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from loadmuster.cli.settings import REQUEST_ID_HELP, Command, Settings, pass_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.accounts.account import Account
    from pricing.departments.extra_credits import ExtraCredits


@click.command("extra-credits", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option(
    "--limit", "limit", type=int, metavar="N", required=True, help="Credits a billing period."
)
@click.option("--request-id", metavar="R", help=REQUEST_ID_HELP)
@pass_settings
def extra_credits(settings: Settings, account_id: str, limit: int, request_id: str | None) -> None:
    """Let ID buy up to N credits beyond its plan's in each billing period; 0: none.

    Runs that the plan's credits do not cover take what is missing. A credit is one minute of one
    load generator.
    """
    engine = settings.engine()
    extra = engine.accounts.extra_credits(account_id, limit, request_id=request_id)
    account = engine.accounts.get(account_id)
    settings.emit(
        extra_credits_document(account, extra),
        lambda console: _show(console, extra),
    )


def extra_credits_document(account: Account, extra: ExtraCredits) -> dict[str, Any]:
    """What ``account extra-credits`` answers with.

    Example:
        {"id": "acme", "limit_credits": 600, "bought_credits": 120, "reserved_credits": 0,
         "available_credits": 480, "usd_each": "0.15",
         "period": {"start": "2027-01-25T00:00:00+01:00", "end": "2027-02-25T00:00:00+01:00"}}

        ``bought_credits`` counts the current period's; ``period`` and ``usd_each`` are null where
        the account can buy none.
    """
    from pricing.money import format_usd

    zone = ZoneInfo(account.timezone)
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
        else {
            "start": period.start.astimezone(zone).isoformat(timespec="seconds"),
            "end": period.end.astimezone(zone).isoformat(timespec="seconds"),
        },
    }


def _show(console: Console, extra: ExtraCredits) -> None:
    from loadmuster.cli.layout import facts, section
    from pricing.money import format_usd

    each = extra.usd_micros_each
    rows = [
        ("limit", f"{extra.limit_li_minutes:,} credits a billing period"),
        ("bought", f"{extra.bought_li_minutes:,} this period"),
        ("still to buy", f"{extra.available_li_minutes:,}"),
    ]
    if each is not None:
        rows.append(("price", f"{format_usd(each)} USD each"))
    section(console, f"Extra credits of {extra.account_id}", facts(*rows))
