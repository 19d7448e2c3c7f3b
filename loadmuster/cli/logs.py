"""``loadmuster logs``: what a run's injectors wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.text import Text

from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from rich.console import Console

    from engine.load.logs import InjectorLog


@click.command(cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option("--injector", type=WholeNumber(min=0), metavar="N", help="Only this one's, from 0.")
@click.option(
    "--tail",
    type=WholeNumber(min=1, max=5_000),
    default=40,
    show_default=True,
    metavar="N",
    help="Lines of each.",
)
@pass_settings
def logs(settings: Settings, run_id: str, injector: int | None, tail: int) -> None:
    """The end of what RUN's injectors wrote.

    Injectors on this computer write while the load is on; those of clouds leave their logs when
    they end, on the computer whose controller drove the run.
    """
    from loadmuster.documents.logs import logs_document

    runs = settings.engine().runs
    found = runs.logs(run_id, injector=injector, tail=tail)
    if not found:
        from engine.commands.run_logs import no_logs

        raise no_logs(runs.show(run_id).run, runs.folder, injector)
    settings.emit(logs_document(run_id, found), lambda console: _show(console, found))


def _show(console: Console, found: Sequence[InjectorLog]) -> None:
    for log in found:
        name = "master" if log.injector is None else f"injector {log.injector}"
        console.print(Text.assemble((name, "bold"), f"  {log.file}"), soft_wrap=True)
        for line in log.lines:
            console.print(Text(line), soft_wrap=True)
