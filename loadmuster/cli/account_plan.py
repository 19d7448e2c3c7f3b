"""The commands on an account's plan: up, down, boost, cancel, renew, and what it was on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from loadmuster.cli.account import account, emit_account
from loadmuster.cli.account_tables import show_history, show_offers
from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.account import history_document, offers_document

if TYPE_CHECKING:
    from rich.console import Console

Decorated = Callable[..., Any]

_id = click.argument("account_id", metavar="ID")
_agreed_with = click.option(
    "--agreed-with", metavar="NAME", help="The representative, where the plan asks for one."
)


def _wanted(command: Decorated) -> Decorated:
    """The options that name a plan."""
    plan = click.option("--plan", required=True, help="The wanted plan.")
    number = click.option(
        "--credits",
        "credits_wanted",
        type=WholeNumber(),
        help="LI-minutes a month, to choose from.",
    )
    return plan(number(_agreed_with(command)))


@account.command("upgrade")
@_id
@_wanted
@request_id_option
@pass_settings
def upgrade(settings: Settings, /, account_id: str, **options: Any) -> None:  # noqa: ANN401 - options
    """Put the account ID on a bigger plan now; the full difference is charged and granted."""
    engine = settings.engine()
    view = engine.accounts.upgrade(account_id, **options)
    emit_account(settings, view)


@account.command("downgrade")
@_id
@_wanted
@request_id_option
@pass_settings
def downgrade(settings: Settings, /, account_id: str, **options: Any) -> None:  # noqa: ANN401 - options
    """Put the account ID on a smaller plan from the next billing date on."""
    engine = settings.engine()
    view = engine.accounts.downgrade(account_id, **options)
    emit_account(settings, view)


@account.command("to-on-demand")
@_id
@_agreed_with
@request_id_option
@pass_settings
def to_on_demand(settings: Settings, /, account_id: str, **options: Any) -> None:  # noqa: ANN401 - options
    """Put the account ID on demand now; until the next billing date that can be undone."""
    engine = settings.engine()
    view = engine.accounts.to_on_demand(account_id, **options)
    emit_account(settings, view)


@account.command("undo")
@_id
@request_id_option
@pass_settings
def undo(settings: Settings, account_id: str, request_id: str | None) -> None:
    """Take back the switch to on-demand, or a downgrade that is pending; for nothing."""
    engine = settings.engine()
    view = engine.accounts.undo(account_id, request_id=request_id)
    emit_account(settings, view)


@account.command("boost")
@_id
@request_id_option
@pass_settings
def boost(settings: Settings, account_id: str, request_id: str | None) -> None:
    """Buy the plan's monthly LI-minutes once more."""
    engine = settings.engine()
    view = engine.accounts.boost(account_id, request_id=request_id)
    emit_account(settings, view)


@account.command("cancel")
@_id
@click.option("--by", metavar="USER", help="The administrator who asks; default: the owner.")
@request_id_option
@pass_settings
def cancel(settings: Settings, account_id: str, by: str | None, request_id: str | None) -> None:
    """Ask for the end of the subscription of ID; it counts once it is confirmed."""
    engine = settings.engine()
    view = engine.accounts.cancel(account_id, by=by, request_id=request_id)
    emit_account(settings, view)


@account.command("confirm-cancel")
@_id
@click.option("--representative", metavar="NAME", help="Who has verified the request.")
@request_id_option
@pass_settings
def confirm_cancel(
    settings: Settings, account_id: str, representative: str | None, request_id: str | None
) -> None:
    """Confirm the cancellation of ID; the subscription ends at the next billing date."""
    engine = settings.engine()
    view = engine.accounts.confirm_cancel(
        account_id, representative=representative, request_id=request_id
    )
    emit_account(settings, view)


@account.command("renew")
@_id
@request_id_option
@pass_settings
def renew(settings: Settings, account_id: str, request_id: str | None) -> None:
    """Take the cancellation of ID back, or within a month subscribe again."""
    engine = settings.engine()
    view = engine.accounts.renew(account_id, request_id=request_id)
    emit_account(settings, view)


@account.command("delete")
@_id
@click.option("--give-up-credit", is_flag=True, help="What it is in credit is given up.")
@request_id_option
@pass_settings
def delete(
    settings: Settings, account_id: str, *, give_up_credit: bool, request_id: str | None
) -> None:
    """Delete the account ID for good, once its subscriptions have ended.

    One that is in credit is not: have it given back before, or give it up.
    """
    engine = settings.engine()
    view = engine.accounts.delete(account_id, give_up_credit=give_up_credit, request_id=request_id)
    emit_account(settings, view)


@account.command("card")
@_id
@click.argument("card")
@request_id_option
@pass_settings
def card(settings: Settings, account_id: str, card: str, request_id: str | None) -> None:
    """Put another CARD of the account ID on record.

    CARD is the payment channel's own name for it, such as tok_1234, or a test card (test:declines,
    test:delays, test:lost); a card's number is refused, and kept nowhere.
    """
    engine = settings.engine()
    view = engine.accounts.set_card(account_id, card, request_id=request_id)
    emit_account(settings, view)


@account.command("pay")
@_id
@request_id_option
@pass_settings
def pay(settings: Settings, account_id: str, request_id: str | None) -> None:
    """Try again to collect what is overdue on the account ID."""
    engine = settings.engine()
    view = engine.accounts.pay(account_id, request_id=request_id)
    emit_account(settings, view)


@account.command("offers")
@_id
@pass_settings
def offers(settings: Settings, account_id: str) -> None:
    """List the plans that the account ID can choose."""
    engine = settings.engine()
    now = engine.clock.now()
    as_of = engine.accounts.as_of(account_id, at=now)
    found = engine.accounts.offers(account_id, at=now)
    timezone = engine.accounts.get(account_id).timezone

    def show(console: Console) -> None:
        tell_as_of(console, as_of, timezone)
        show_offers(console, found)

    settings.emit(offers_document(found, timezone, as_of), show)


@click.command(cls=Command)
@_id
@pass_settings
def history(settings: Settings, account_id: str) -> None:
    """Show the plans that the account ID was on."""
    engine = settings.engine()
    now = engine.clock.now()
    as_of = engine.accounts.as_of(account_id, at=now)
    rows = engine.accounts.history(account_id, at=now)
    timezone = engine.accounts.get(account_id).timezone

    def show(console: Console) -> None:
        tell_as_of(console, as_of, timezone)
        show_history(console, rows, timezone)

    settings.emit(history_document(account_id, rows, timezone, as_of), show)


account.add_command(history, "history")
