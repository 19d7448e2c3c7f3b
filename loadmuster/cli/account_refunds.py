"""``account refund``, ``refunds`` and ``disputes``: money that goes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from kernel.visible import visible
from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.refunds import (
    disputes_document,
    refund_document,
    refunds_document,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pricing.payments.disputes import Dispute
    from pricing.payments.refunds import Refund


@click.command("refund", cls=Command)
@click.argument("account_id", metavar="ID")
@click.option("--invoice", metavar="NUMBER", required=True, help="The invoice that was paid.")
@click.option("--usd", metavar="AMOUNT", help="How much, tax included; default: all that is left.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the record.")
@click.option("--keep-credits", is_flag=True, help="LI-minutes that came with it stay.")
@request_id_option
@pass_settings
def refund(
    settings: Settings,
    account_id: str,
    *,
    invoice: str,
    usd: str | None,
    reason: str,
    keep_credits: bool,
    request_id: str | None,
) -> None:
    """Give the account ID back what was paid for an invoice, or a part of it.

    The credit note takes the tax back too. Of LI-minutes that came with what is given back, those
    that are left go. What of the payment is in credit, since its run cost less, is paid out first.
    For the owner of the installation.
    """
    from pricing.money import usd_micros

    engine = settings.engine()
    amount = None if usd is None else usd_micros(usd, where="--usd")
    done = engine.accounts.refund(
        account_id,
        invoice=invoice,
        usd_micros=amount,
        reason=reason,
        keep_credits=keep_credits,
        request_id=request_id,
    )
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(
        refund_document(done, timezone),
        lambda console: _show_done(console, done, is_rehearsed=engine.accounts.payments_rehearsed),
    )


@click.command("refunds", cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def refunds(settings: Settings, account_id: str) -> None:
    """Show what was given back to the account ID, and what is under way."""
    engine = settings.engine()
    found = engine.accounts.refunds(account_id)
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(
        refunds_document(account_id, found, timezone),
        lambda console: _show_refunds(console, account_id, found, timezone),
    )


@click.command("disputes", cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def disputes(settings: Settings, account_id: str) -> None:
    """Show what of the account ID's payments its customer contests, or has contested."""
    engine = settings.engine()
    found = engine.accounts.disputes(account_id)
    timezone = engine.accounts.get(account_id).timezone
    settings.emit(
        disputes_document(account_id, found, timezone),
        lambda console: _show_disputes(console, account_id, found, timezone),
    )


def _show_disputes(
    console: Console, account_id: str, found: Sequence[Dispute], timezone: str
) -> None:
    """One dispute a row, the oldest first."""
    if not found:
        console.print(f"No payment of the account {account_id} was ever disputed.")
        return
    from loadmuster.cli.layout import columns, section
    from pricing.money import format_usd

    zone = ZoneInfo(timezone)
    table = columns(
        *("heard of", "dispute", "amount", "fee", "state", "payment"),
        right=("amount", "fee"),
        fixed=("heard of", "state"),
    )
    for each in found:
        table.add_row(
            f"{each.opened_at.astimezone(zone):%Y-%m-%d}",
            each.name,
            f"{format_usd(each.usd_micros)} {each.currency}",
            format_usd(each.fee_usd_micros),
            each.state.value,
            each.payment_key,
        )
    section(console, f"Disputes of {account_id}", table)


def _show_done(console: Console, done: Refund, *, is_rehearsed: bool) -> None:
    from pricing.money import format_usd
    from pricing.payments.gateway import REHEARSED_NOTE
    from pricing.payments.refunds import GIVEN_BACK

    usd = f"{format_usd(done.usd_micros)} USD of {done.invoice}"
    if done.state not in GIVEN_BACK:
        console.print(f"{usd} are under way: {visible(done.said or done.state)}")
    else:
        credit, note = done.from_credit_usd_micros, done.credit_note
        parts = [f"credit note {note}"] if note else []
        if credit:
            parts.append(f"{format_usd(credit)} USD of them were in credit")
        console.print("; ".join([f"{usd} were given back", *parts]))
    if is_rehearsed:
        console.print(REHEARSED_NOTE)


def _show_refunds(
    console: Console, account_id: str, found: Sequence[Refund], timezone: str
) -> None:
    """One refund a row, the oldest first."""
    if not found:
        console.print(f"Nothing was given back to the account {account_id}.")
        return
    from loadmuster.cli.layout import columns, section
    from pricing.money import format_usd

    zone = ZoneInfo(timezone)
    table = columns(
        *("asked", "invoice", "USD", "state", "credit note", "why"),
        right=("USD",),
        fixed=("asked", "USD", "state"),
    )
    for each in found:
        table.add_row(
            f"{each.asked_at.astimezone(zone):%Y-%m-%d}",
            each.invoice,
            format_usd(each.usd_micros),
            each.state.value,
            each.credit_note or "",
            each.reason,
        )
    section(console, f"Refunds of {account_id}", table)
