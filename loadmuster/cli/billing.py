"""``billing``: who is named on invoices, the customer of an account and the seller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kernel.clock import parse_instant
from kernel.words import counted
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import (
    Command,
    CommandGroup,
    Settings,
    pass_settings,
    request_id_option,
)
from loadmuster.documents.billing import (
    billing_details_document,
    retention_document,
    seller_row,
    sellers_document,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pricing.parties.party import Party
    from pricing.parties.retention import DataKind, Retention
    from pricing.parties.sellers import Seller

Decorated = Callable[..., Any]

_PARTY = (
    ("--name", "NAME", "Of the business or person."),
    ("--address", "TEXT", "Street and place; lines as in the text, or parted by '; '."),
    ("--country", "CODE", "Two letters of ISO 3166, like DE; decides the tax."),
    ("--email", "ADDRESS", "Where invoices and questions go."),
    ("--tax-id", "ID", "VAT number; its format and check digits are checked."),
)


@click.group(cls=CommandGroup)
def billing() -> None:
    """Say who is named on invoices: the customer of an account, and the seller."""


def _party(command: Decorated) -> Decorated:
    """The options that name a party; an empty text takes a field away."""
    for option, metavar, told in reversed(_PARTY):
        command = click.option(option, metavar=metavar, help=told)(command)
    return command


@billing.command("show", cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def show(settings: Settings, account_id: str) -> None:
    """Show whom the invoices of the account ID are for."""
    _emit_details(settings, account_id, settings.engine().billing.details(account_id))


@billing.command("set", cls=Command)
@click.argument("account_id", metavar="ID")
@_party
@request_id_option
@pass_settings
def set_(settings: Settings, /, account_id: str, **options: Any) -> None:  # noqa: ANN401 - options
    """Say whom the invoices of the account ID are for, from now on.

    What is left out stays as it is; an empty text takes it away.
    """
    party = settings.engine().billing.set_details(account_id, **_with_lines(options))
    _emit_details(settings, account_id, party)


@billing.command("seller", cls=Command)
@pass_settings
def seller(settings: Settings) -> None:
    """Show who sells: the seller of now, and every version with its day."""
    engine = settings.engine()
    now, versions = engine.billing.seller(), engine.billing.sellers()

    def show(console: Console) -> None:
        _show_seller(console, now)
        if now is None or len(versions) > 1:
            _show_versions(console, versions)

    settings.emit(sellers_document(versions, now), show)


@billing.command("retention", cls=Command)
@pass_settings
def retention(settings: Settings) -> None:
    """Show how long what is kept of customers, and which law says so."""
    kinds = settings.engine().billing.retention()
    settings.emit(retention_document(kinds), lambda console: _show_retention(console, kinds))


@billing.command("set-seller", cls=Command)
@_party
@click.option("--payment-days", type=WholeNumber(), help="Days in which an invoice is to be paid.")
@click.option("--series", metavar="WORD", help="What numbers begin with: INV-2027-000001.")
@click.option("--from", "first", metavar="DATE", help="First day on which it counts; default: now.")
@pass_settings
def set_seller(settings: Settings, /, first: str | None, **options: Any) -> None:  # noqa: ANN401 - options
    """Say who sells, from now on or from a day on.

    What is left out is as in the version before; an empty text takes it away. With a country, tax
    is computed from then on. Invoices that were issued stay as they are.
    """
    valid_from = None if first is None else parse_instant(first, where="--from")
    found = settings.engine().billing.set_seller(valid_from=valid_from, **_with_lines(options))
    settings.emit(seller_row(found), lambda console: _show_seller(console, found))


def _with_lines(options: dict[str, Any]) -> dict[str, Any]:
    """The options, with an address on several lines."""
    address = options.get("address")
    if address is None:
        return options
    return {**options, "address": address.replace("; ", "\n")}


def _emit_details(settings: Settings, account_id: str, party: Party) -> None:
    settings.emit(
        billing_details_document(account_id, party),
        lambda console: _show_details(console, account_id, party),
    )


def _show_details(console: Console, account_id: str, party: Party) -> None:
    from loadmuster.cli.layout import facts, section

    rows = _rows(party)
    if not rows:
        console.print(
            f"Nobody has said whom the invoices of {account_id} are for: "
            f"`loadmuster billing set {account_id} --name NAME --country CODE` does.",
        )
        return
    section(console, f"Customer of account {account_id}", facts(*rows))


def _show_seller(console: Console, seller: Seller | None) -> None:
    from loadmuster.cli.layout import facts, section

    if seller is None:
        console.print(
            "No seller is on record, so invoices name none and no tax is computed: "
            "`loadmuster billing set-seller --name NAME --country CODE` names one.",
        )
        return
    tax = [] if seller.party.country else [("tax", "none computed: the seller has no country")]
    section(
        console,
        "Seller",
        facts(
            *_rows(seller.party),
            ("to be paid", f"within {counted(seller.payment_days, 'day')}"),
            ("numbers", f"{seller.series}-{seller.in_force_from.year}-000001"),
            ("from", f"{seller.in_force_from:%Y-%m-%d %H:%M} UTC"),
            *tax,
        ),
    )


def _show_versions(console: Console, versions: Sequence[Seller]) -> None:
    from loadmuster.cli.layout import columns, section

    if not versions:
        return
    table = columns("from (UTC)", "seller", "country", "tax id", fixed=("from (UTC)",))
    for each in versions:
        party = each.party
        table.add_row(
            f"{each.in_force_from:%Y-%m-%d %H:%M}",
            party.name or "",
            party.country or "",
            party.tax_id or "",
        )
    section(console, "Versions", table)


def _show_retention(console: Console, kinds: Mapping[DataKind, Retention | None]) -> None:
    from loadmuster.cli.layout import columns, section

    table = columns("what", "kept", "by", fixed=("what",))
    for kind, rule in kinds.items():
        law = "" if rule is None else rule.law
        table.add_row(kind.replace("-", " "), _how_long(rule), law)
    section(console, "How long what is kept", table)
    if None in kinds.values():
        console.print(
            "Where it is not known, no law of the seller's country is on record: "
            "`loadmuster billing seller` shows the country."
        )


def _how_long(rule: Retention | None) -> str:
    if rule is None:
        return "not known"
    if rule.years is not None:
        return f"{counted(rule.years, 'year')} from the end of the calendar year"
    return {
        "deletion": "until the account is deleted",
        "month-after-end": "one month after the subscription has ended",
    }[str(rule.until)]


def _rows(party: Party) -> list[tuple[str, str | Text]]:
    from rich.text import Text

    from pricing.parties.countries import country_name

    country = party.country and f"{country_name(party.country)} ({party.country})"
    named = (
        ("name", party.name),
        ("address", party.address and Text(party.address)),
        ("country", country),
        ("e-mail", party.email),
        ("tax id", party.tax_id),
    )
    return [(name, value) for name, value in named if value]
