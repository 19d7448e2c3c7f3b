"""``loadmuster calibrate``: what one user of a test takes of an injector, measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.clouds import CLOUDS, LOCAL
from kernel.errors import BadInputError, LoadmusterError
from kernel.words import counted
from loadmuster.cli.numbers import WholeNumber
from loadmuster.cli.output import tell
from loadmuster.cli.overwriting import check_reads_stay
from loadmuster.cli.plot import out_option
from loadmuster.cli.run_session import INTERRUPTED
from loadmuster.cli.settings import Command, Settings, pass_settings

if TYPE_CHECKING:
    from engine.calibrating.calibration import Calibration
    from engine.calibrating.injector import Timing
    from engine.calibrating.session import Watch
    from engine.scenario import Scenario


@click.command(cls=Command)
@click.argument("source")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME}.")
@click.option(
    "--users-at-most", "users_max", type=WholeNumber(min=1), help="Stop there at the latest."
)
@click.option(
    "--window",
    metavar="20s",
    help="How long each number of users is measured; default: by their pauses, 8 s or more.",
)
@click.option("--account", metavar="ID", help="Which has allowed the target's host, and pays.")
@click.option(
    "--provider",
    type=click.Choice([LOCAL, *CLOUDS]),
    default=LOCAL,
    show_default=True,
    help="On whose machine; on a cloud by a run on one injector.",
)
@click.option("--region", metavar="NAME", help="Of the cloud.")
@click.option("--dry-run", is_flag=True, help="On a simulated cloud, with real load from here.")
@click.option("--yes", is_flag=True, help="Do not ask before a machine is launched.")
@click.option("--forget", is_flag=True, help="Keep nothing: only show what was measured.")
@out_option
@pass_settings
def calibrate(
    global_settings: Settings,
    /,
    source: str,
    settings: tuple[str, ...],
    window: str | None,
    forget: bool,
    out: Path | None,
    **options: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Measure what one user of the load test SOURCE takes of an injector's processor.

    Puts real load on the test's target, from one processor core of this machine: more and more
    users until the core is 70 % busy. Later estimates of the same test count with it, whatever load
    they are for; so do runs, which measure too.

    With --provider the users come from one machine of a cloud, in steps that double, and the run is
    billed like any other.
    """
    from engine.calibrating.folder import CalibrationNotKeptError, CalibrationTooSmallError
    from engine.calibrating.place import place_of
    from engine.calibrating.session import timing_of
    from engine.readers import read_scenario
    from kernel.durations import parse_duration_s

    check_reads_stay(global_settings, out, source)
    scenario = read_scenario(source, settings=settings)
    timing = timing_of(scenario)
    if window is not None:
        timing = timing.measured_for(parse_duration_s(window, where="--window"))
    if out is not None:
        from loadmuster.cli.curves_file import check_can_write

        check_can_write(out)
    kept = None if forget or options["dry_run"] else place_of(scenario)
    try:
        made = _measured(global_settings, scenario, timing, keep=not forget, **options)
    except (CalibrationNotKeptError, CalibrationTooSmallError) as error:
        _show(global_settings, scenario, error.calibration, None, out, error)
        return
    _show(global_settings, scenario, made, kept, out)


def _show(
    settings: Settings,
    scenario: Scenario,
    made: Calibration,
    kept: Path | None,
    out: Path | None,
    failed: LoadmusterError | None = None,
) -> None:
    """What was measured, as a document or for people, and as a picture if one is wanted.

    It is shown even if it was not kept, or not drawn; what failed is said after it.
    """
    from loadmuster.cli.calibrate_view import calibration_chart, show_calibration
    from loadmuster.documents.calibration import calibration_document

    if out is not None:
        from loadmuster.cli.curves_file import PictureError, write_picture

        try:
            write_picture(calibration_chart(made), out)
        except PictureError as error:
            failed, out = failed or error, None
    settings.emit(
        calibration_document(made, kept, out, failed),
        lambda console: show_calibration(console, scenario, made, kept, out),
    )
    if failed is not None:
        tell(failed.line)
        sys.exit(failed.exit_code)


def _measured(  # noqa: PLR0913 - one keyword an option
    settings: Settings,
    scenario: Scenario,
    timing: Timing,
    *,
    keep: bool,
    users_max: int | None,
    account: str | None,
    provider: str,
    region: str | None,
    dry_run: bool,
    yes: bool,
) -> Calibration:
    """What was measured, here or on a cloud."""
    engine = settings.engine()
    if provider == LOCAL:
        if dry_run or region is not None:
            first = next(iter(CLOUDS))
            raise BadInputError(f"--dry-run and --region are for a cloud: add --provider {first}")
        return engine.calibrations.measure(
            scenario,
            account=account,
            users_max=users_max,
            timing=timing,
            watch=_progress(settings),
            keep=keep,
        )
    if account is None:
        raise BadInputError(f"--provider {provider} takes a run, which is billed: add --account ID")
    from engine.commands.calibrations import climb_request
    from loadmuster.cli.calibrate_cloud import climbed
    from loadmuster.cli.run_question import is_agreed

    if keep and not dry_run:
        engine.calibrations.check_can_keep(scenario)
    console = settings.progress_console()
    climb = engine.calibrations.plan_climb(
        scenario, provider=provider, region=region, users_max=users_max, timing=timing
    )
    prepared = engine.runs.prepare(climb_request(climb, account=account, dry_run=dry_run))
    if not (yes or is_agreed(console, engine, prepared)):
        console.print("Nothing was started.")
        sys.exit(INTERRUPTED)
    run = climbed(console, engine, climb, prepared)
    return engine.calibrations.finish_climb(climb, run.id, keep=keep)


def _progress(settings: Settings) -> Watch:
    """A line a step."""
    from engine.calibrating.step import CalibrationStep

    console = settings.progress_console()

    def watch(step: CalibrationStep | None, users: int | None) -> None:
        if step is not None:
            console.print(
                f"{counted(step.users, 'user')}: {step.processor_percent:.1f} % of a core, "
                f"{step.requests_per_s:,.1f} requests/s"
            )
        if users is not None and step is None:
            console.print(f"measuring, from {counted(users, 'user')} up; one to three minutes")

    return watch
