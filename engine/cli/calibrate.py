"""``loadmuster calibrate``: what one user of a test takes of an injector, measured here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.plot import out_option
from engine.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from engine.calibrating.session import Watch


@click.command(cls=Command)
@click.argument("source")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME}.")
@click.option(
    "--users-at-most", "users_max", type=click.IntRange(min=1), help="Stop there at the latest."
)
@click.option(
    "--window",
    metavar="20s",
    help="How long each number of users is measured; default: by their pauses, 8 s or more.",
)
@click.option("--account", metavar="ID", help="Which has allowed the target's host.")
@click.option("--forget", is_flag=True, help="Keep nothing: only show what was measured.")
@out_option
@pass_settings
def calibrate(  # noqa: PLR0913, PLR0917 - one argument an option
    global_settings: Settings,
    /,
    source: str,
    settings: tuple[str, ...],
    users_max: int | None,
    window: str | None,
    account: str | None,
    forget: bool,
    out: Path | None,
) -> None:
    """Measure what one user of the load test SOURCE takes of an injector's processor.

    Puts real load on the test's target, from one processor core of this machine: more and more
    users until the core is 70 % busy. Later estimates of the same test count with it, whatever load
    they are for; so do runs, which measure too.
    """
    from engine.calibrating.calibration import calibration_to_json
    from engine.calibrating.place import place_of
    from engine.calibrating.session import timing_of
    from engine.cli.calibrate_view import calibration_chart, show_calibration
    from engine.readers import read_scenario
    from kernel.durations import parse_duration_s

    scenario = read_scenario(source, settings=settings)
    timing = timing_of(scenario)
    if window is not None:
        timing = timing.measured_for(parse_duration_s(window, where="--window"))
    made = global_settings.engine().calibrate(
        scenario,
        account=account,
        users_max=users_max,
        timing=timing,
        watch=_progress(global_settings),
        keep=not forget,
    )
    kept = None if forget else place_of(scenario)
    if out is not None:
        from engine.cli.curves_file import write_picture

        write_picture(calibration_chart(made), out)
    document = {
        **calibration_to_json(made),
        "kept": None if kept is None else str(kept),
        "file": None if out is None else str(out),
    }
    global_settings.emit(
        document, lambda console: show_calibration(console, scenario, made, kept, out)
    )


def _progress(settings: Settings) -> Watch:
    """A line a step."""
    from engine.calibrating.steps import Step

    console = settings.progress_console()

    def watch(step: Step | None, users: int | None) -> None:
        if step is not None:
            console.print(
                f"{step.users:,} users: {step.processor_percent:.1f} % of a core, "
                f"{step.requests_per_s:,.1f} requests/s"
            )
        if users is not None and step is None:
            console.print(f"measuring, from {users:,} users up; one to three minutes")

    return watch
