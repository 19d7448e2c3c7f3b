"""Calibrations on a cloud: what one user of a test takes of an injector there, by a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.commands.calibrations import CalibrationCommands
from engine.commands.runs import RunCommands

if TYPE_CHECKING:
    from engine.calibrating.calibration import Calibration
    from engine.calibrating.injector import Timing
    from engine.calibrating.staircase import Climb
    from engine.runs.leases.lease import Lease
    from engine.runs.states import Run
    from engine.scenario import Scenario


class CloudCalibrationCommands(CalibrationCommands, RunCommands):
    """Measure a test's users on a machine of a cloud, by a run like any other.

    It is charged, released and billed, and taken over if its controller dies.
    """

    def plan_climb(
        self,
        scenario: Scenario,
        *,
        provider: str,
        region: str | None = None,
        users_max: int | None = None,
        timing: Timing | None = None,
    ) -> Climb:
        """How the users of the test will come, in ever larger steps; nothing is launched.

        Args:
            scenario: With a target, and with users or a program.
            provider: ``aws`` or ``azure``.
            region: Where the injector is; None: in the scenario's first, or the cloud's usual.
            users_max: At most so many users; None: twice as many as an injector may carry at best.
            timing: Of each number of users; None: by the users' pauses.

        Raises:
            BadInputError: The scenario cannot be estimated, or not run with other users.
        """
        from engine.calibrating import session
        from engine.calibrating.staircase import Climb, check_takes_steps, staircase
        from engine.planning.places import equal_shares

        session.check_users_can_be_held(scenario)
        check_takes_steps(scenario)
        if region is not None:
            scenario = replace(scenario, regions=equal_shares([region]))
        timing = timing or session.timing_of(scenario)
        requirement = self.estimate(scenario, provider=provider).requirement
        stairs = staircase(
            requirement, timing.settle_s, timing.window_s, users_max or session.USERS_MAX
        )
        return Climb(scenario, provider, stairs)

    def start_climb(
        self, climb: Climb, *, account: str, dry_run: bool = False, lease: Lease | None = None
    ) -> Run:
        """Put the run on record; ``drive`` or ``wait`` brings it to its end.

        Args:
            climb: As ``plan_climb`` gives it.
            account: Who pays, and has allowed the target's host.
            dry_run: On a rehearsed cloud, whose machine is part of this computer.
            lease: Of who is going to drive it.

        Raises:
            LoadmusterError: As ``accept``.
        """
        return self.accept(
            climb.scenario,
            account=account,
            provider=climb.provider,
            dry_run=dry_run,
            with_load=dry_run,
            lease=lease,
        )

    def finish_climb(self, climb: Climb, run_id: str, *, keep: bool = True) -> Calibration:
        """What the run measured; waits for its end, and drives it there if nobody else does.

        Args:
            climb: That was run.
            run_id: The run.
            keep: Let later estimates of the test count with it; what was rehearsed never is kept.

        Raises:
            CalibrationFailedError: The run did not play to its end, or nothing could be measured.
        """
        from engine.calibrating.by_run import calibration_of
        from engine.calibrating.folder import keep_calibration

        run = self.wait(run_id)
        made = calibration_of(run, climb.stairs)
        if keep and not run.order.rehearsal:
            keep_calibration(climb.test, made)
        return made
