"""``serve``: the controller process that runs what was queued, and what others left behind."""

from __future__ import annotations

import click

from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.output import tell_line
from loadmuster.cli.settings import Command, Settings, pass_settings


@click.command(cls=Command)
@click.option(
    "--at-once",
    type=WholeNumber(1, 128),
    default=8,
    show_default=True,
    metavar="N",
    help="Most runs at the same time.",
)
@click.option("--until-idle", is_flag=True, help="End once no run is open, here or elsewhere.")
@click.option(
    "--reap-every",
    default="10m",
    show_default=True,
    metavar="10m",
    help="How often to end machines that outlived their run; 0: never.",
)
@pass_settings
def serve(settings: Settings, at_once: int, reap_every: str, *, until_idle: bool) -> None:
    """Run what `run --queue` accepted, and take over the runs of controllers that died.

    Any number of these share one database. Ctrl-C or SIGTERM ends it: the runs that it drives stay
    open, with their machines, for the others or for the next.
    """
    from kernel.durations import parse_duration_s
    from loadmuster.cli.reap_display import warn_of_overdue_reaps
    from loadmuster.cli.signals import told_to_end
    from loadmuster.documents.served import SERVED, served_document

    reap_every_s = parse_duration_s(reap_every, where="--reap-every")
    engine = settings.engine(via="serve")

    def say(text: str) -> None:
        tell_line(f"{engine.clock.now():%H:%M:%S} {text}")

    warn_of_overdue_reaps(engine, reap_every_s)
    with told_to_end() as stop_wanted:
        counts = engine.serving.serve(
            stop_wanted=stop_wanted,
            at_once=at_once,
            until_idle=until_idle,
            reap_every_s=reap_every_s,
            say=say,
        )
    settings.emit(
        served_document(counts),
        lambda console: console.print(", ".join(f"{counts[name]} {name}" for name in SERVED)),
    )
