"""What healing an account undoes, as people read it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from kernel.words import counted
from loadmuster.cli.account_tables import amount_of
from loadmuster.cli.layout import columns, facts, section
from pricing.accounts.account import Account
from pricing.accounts.healing import Healing
from pricing.money import format_usd


def show_healing(console: Console, account: Account, healing: Healing, *, done: bool) -> None:
    """Everything that is undone, with its date and its amount."""
    zone = ZoneInfo(account.timezone)
    if not healing.is_needed:
        console.print(
            f"Nothing to heal: {account.id} was last dealt with {_at(healing.last, zone)}"
        )
        return
    verb = "Undone" if done else "Would be undone"
    section(console, f"{verb} of account {account.id}", _figures(healing, zone))
    if healing.entries:
        section(console, "Entries of the ledger", _entries(healing, zone))
    if healing.invoices:
        section(console, "Invoices", _invoices(healing, zone))
    if healing.periods or healing.expiries or healing.changes:
        section(console, "Periods, lots and changes", _states(healing, zone))
    if not done:
        console.print(f"\nDo it: loadmuster account heal {account.id} --yes")


def _figures(healing: Healing, zone: ZoneInfo) -> Table:
    rows = [
        ("its clock", f"goes back from {_at(healing.last, zone)} to {_at(healing.at, zone)}"),
        ("charged too early", f"{format_usd(healing.usd_micros)} USD"),
        ("entries", counted(len(healing.entries), "transaction")),
    ]
    if healing.credit_note is not None:
        rows.append(("credit note", healing.credit_note))
    return facts(*rows)


def _entries(healing: Healing, zone: ZoneInfo) -> Table:
    table = columns(
        "at", "what", "ledger account", "amount", right=("amount",), fixed=("at", "ledger account")
    )
    for entry in healing.entries:
        at, what = _at(entry.effective_at, zone), entry.description
        for posting in entry.postings:
            table.add_row(at, what, posting.ledger_account, amount_of(posting))
            at = what = ""
    return table


def _invoices(healing: Healing, zone: ZoneInfo) -> Table:
    table = columns("number", "issued", "USD", right=("USD",), fixed=("number", "issued"))
    for each in healing.invoices:
        table.add_row(each.number, _at(each.issued_at, zone), format_usd(each.usd_micros))
    return table


def _states(healing: Healing, zone: ZoneInfo) -> Table:
    table = columns("at", "what", fixed=("at",))
    rows = [
        *(
            (each.start, f"period until {_at(each.end, zone)}, {each.payment}: not begun")
            for each in healing.periods
        ),
        *(
            (
                each.effective_at,
                f"lot {each.id}, {counted(each.li_minutes, 'LI-minute')}: not granted",
            )
            for each in healing.lots
        ),
        *((each.at, f"lot {each.lot_id}, {each.reason}: open again") for each in healing.expiries),
        *((each.at, f"{each.kind}: waits again") for each in healing.changes),
    ]
    for at, what in sorted(rows):
        table.add_row(_at(at, zone), what)
    return table


def _at(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
