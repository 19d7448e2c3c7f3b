"""``account allow-target``, ``forbid-target`` and ``targets``: what may be loaded from a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from loadmuster.cli.settings import Command, Settings, pass_settings, request_id_option
from loadmuster.documents.targets import targets_document

if TYPE_CHECKING:
    from rich.console import Console

    from engine.api import Engine
    from engine.runs.targets import AllowedTarget


@click.command("allow-target", cls=Command)
@click.argument("account_id", metavar="ID")
@click.argument("host")
@request_id_option
@pass_settings
def allow_target(settings: Settings, account_id: str, host: str, request_id: str | None) -> None:
    """Let runs of the account ID load HOST from a real cloud."""
    engine = settings.engine()
    found = engine.targets.allow(account_id, host, request_id=request_id)
    _emit(settings, engine, account_id, found)


@click.command("forbid-target", cls=Command)
@click.argument("account_id", metavar="ID")
@click.argument("host")
@request_id_option
@pass_settings
def forbid_target(settings: Settings, account_id: str, host: str, request_id: str | None) -> None:
    """Take the leave to load HOST back."""
    engine = settings.engine()
    found = engine.targets.forbid(account_id, host, request_id=request_id)
    _emit(settings, engine, account_id, found)


@click.command("targets", cls=Command)
@click.argument("account_id", metavar="ID")
@pass_settings
def targets(settings: Settings, account_id: str) -> None:
    """List the hosts that runs of the account ID may load from a real cloud."""
    engine = settings.engine()
    _emit(settings, engine, account_id, engine.targets.list(account_id))


def _emit(
    settings: Settings, engine: Engine, account_id: str, found: Sequence[AllowedTarget]
) -> None:
    settings.emit(
        targets_document(account_id, found, engine.accounts.get(account_id).timezone),
        lambda console: _show(console, account_id, found),
    )


def _show(console: Console, account_id: str, found: Sequence[AllowedTarget]) -> None:
    if not found:
        console.print(
            f"Account {account_id} may load no host from a cloud: "
            f"`loadmuster account allow-target {account_id} HOST` allows one.",
        )
        return
    from loadmuster.cli.layout import columns

    table = columns("host", "allowed since", fixed=("host", "allowed since"))
    for each in found:
        table.add_row(each.host, f"{each.allowed_at:%Y-%m-%d %H:%M}")
    console.print(table)
