"""``reap``: the machines that outlived their run, and their end."""

from __future__ import annotations

import sys

import click

from engine.cli.settings import Command, Settings, pass_settings


@click.command(cls=Command)
@click.option(
    "--provider",
    type=click.Choice(["local", "aws", "azure"]),
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
@pass_settings
def reap(
    settings: Settings,
    provider: str | None,
    regions: tuple[str, ...],
    older_than: str,
    *,
    yes: bool,
) -> None:
    """List machines whose run has ended, whose time is over, or whose run is unknown here.

    Without --yes nothing is changed. Several databases on one cloud account do not know each
    other's runs: look before you say --yes.
    """
    from engine.cli.reap_display import failure_of, reaping_document, show_reaping
    from engine.runs.orphans import Why
    from kernel.durations import parse_duration_s

    older_than_s = parse_duration_s(older_than, where="--older-than")
    engine = settings.engine()
    reaping = engine.reap(
        engine.places_at(provider, regions),
        older_than_s=older_than_s,
        release=tuple(Why) if yes else (),
    )
    failure = failure_of(reaping)
    if failure is not None and not reaping.rounds:
        raise failure
    settings.emit(reaping_document(reaping), lambda console: show_reaping(console, reaping))
    if failure is not None:
        # What was found is the one document on standard output already.
        click.echo(f"loadmuster: {failure.message}", err=True)
        sys.exit(failure.exit_code)
