"""``advise``: the cheapest plan for a number of runs, break-even, and the runs left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from loadmuster.cli.as_of import tell_as_of
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.advice import advice_document
from loadmuster.documents.as_of import as_of_part

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def told_by_its_command() -> Iterator[None]:
    """Within it, what is wrong with the need is told with the command that was typed."""
    from pricing.reports.advisor import NeedError

    try:
        yield
    except NeedError as error:
        _, _, command = click.get_current_context().command_path.partition(" ")
        error.message = f"{command}: {error.message}"
        raise


@click.command(cls=Command)
@click.argument("account_id", metavar="[ID]", required=False)
@click.option("--li-minutes", type=WholeNumber(), metavar="N", help="LI-minutes of one run.")
@click.option("--runs", type=WholeNumber(), metavar="N", help="Runs in a month.")
@click.option(
    "--users", type=WholeNumber(), metavar="N", help="Users of one run; they count on demand."
)
@pass_settings
def advise(
    settings: Settings,
    account_id: str | None,
    li_minutes: int | None,
    runs: int | None,
    users: int | None,
) -> None:
    """Say which plan costs least for so many runs a month.

    With the account ID, what is not given is what its runs of the last 30 days show, and the
    answer says how many such runs its credits have room for.
    """
    engine = settings.engine()
    now = engine.clock.now()
    looked = None
    if account_id is not None:
        as_of = engine.accounts.as_of(account_id, at=now)
        looked = (as_of, engine.accounts.get(account_id).timezone)
    with told_by_its_command():
        advice = engine.reports.advise(
            account_id, li_minutes=li_minutes, runs=runs, users=users, at=now
        )

    def show(console: Console) -> None:
        from loadmuster.cli.advise_view import show_advice

        if looked is not None:
            tell_as_of(console, *looked)
        show_advice(console, advice)

    document = advice_document(advice)
    if looked is not None:
        document |= as_of_part(*looked)
    settings.emit(document, show)
