"""``reap``: the machines that outlived their run, and their end."""

from __future__ import annotations

import sys

import click

from engine.clouds import CLOUDS, LOCAL
from loadmuster.cli.output import tell
from loadmuster.cli.settings import Command, Settings, pass_settings


@click.command(
    cls=Command,
    one_of=[("--check", "--yes"), ("--check", "--region"), ("--check", "--older-than")],
)
@click.option(
    "--provider",
    type=click.Choice([LOCAL, *CLOUDS]),
    help="Whose machines; default: wherever runs have had machines lately.",
)
@click.option("--region", "regions", multiple=True, metavar="NAME", help="Where to look.")
@click.option(
    "--older-than",
    default="10m",
    show_default=True,
    metavar="10m",
    help="Leave younger machines alone.",
)
@click.option("--yes", is_flag=True, help="End them, and prove them gone.")
@click.option(
    "--check",
    is_flag=True,
    help="Only say when a reaper last looked where; end with 3 if that is too long ago.",
)
@click.option(
    "--max-age",
    default="30m",
    show_default=True,
    metavar="30m",
    help="With --check: how long ago it may be.",
)
@pass_settings
def reap(
    settings: Settings,
    provider: str | None,
    regions: tuple[str, ...],
    older_than: str,
    max_age: str,
    *,
    yes: bool,
    check: bool,
) -> None:
    """List machines whose run has ended, whose time is over, or whose run is unknown here.

    Without --yes nothing is changed. Several databases on one cloud account do not know each
    other's runs: look before you say --yes.

    --check is for monitoring: it asks no cloud, only the database when a reaper last looked at the
    clouds where runs have machines, or had them in the last week. A database that is not there ends
    it with 2.
    """
    from engine.runs.reaper.orphans import Why
    from kernel.durations import parse_duration_s
    from loadmuster.cli.reap_display import failure_of, show_reaping
    from loadmuster.documents.reaper import reaping_document

    if check:
        from loadmuster.cli.reap_check import check_reaper

        check_reaper(settings, provider, parse_duration_s(max_age, where="--max-age"))
        return
    older_than_s = parse_duration_s(older_than, where="--older-than")
    engine = settings.engine()
    reaping = engine.reaper.reap(
        engine.reaper.places_at(provider, regions),
        older_than_s=older_than_s,
        release=tuple(Why) if yes else (),
    )
    failure = failure_of(reaping)
    if failure is not None and not reaping.rounds:
        raise failure
    settings.emit(reaping_document(reaping), lambda console: show_reaping(console, reaping))
    if failure is not None:
        # What was found is the one document on standard output already.
        tell(failure.line)
        sys.exit(failure.exit_code)
