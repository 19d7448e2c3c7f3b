"""Calibrations: what one user of a test takes of an injector, measured here or on a cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.runs import RunCommands
from engine.commands.targets import TargetCommands
from engine.runs.request import RunRequest
from kernel.errors import BadInputError

if TYPE_CHECKING:
    from engine.calibrating.calibration import Calibration
    from engine.calibrating.injector import Timing
    from engine.calibrating.session import Watch
    from engine.calibrating.staircase import Climb
    from engine.runs.leases.lease import Lease
    from engine.runs.model.states import Run
    from engine.scenario import Scenario


@checked
class CalibrationCommands:
    """Measure a test's users: on this machine, or on one of a cloud by a run like any other.

    A run that measures is charged, released and billed, and taken over if its controller dies.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._runs = RunCommands(context)

    def measure(
        self,
        scenario: Scenario,
        *,
        account: str | None = None,
        users_max: int | None = None,
        timing: Timing | None = None,
        watch: Watch | None = None,
        keep: bool = True,
    ) -> Calibration:
        """Put load on the scenario's target from one core of this machine, up to its ceiling.

        Args:
            scenario: With a target, and with users or a program.
            account: Which has allowed the target's host; this computer needs no leave.
            users_max: At most so many users; None: as many as sockets allow.
            timing: Of each number of users; None: by the users' pauses.
            watch: Told how it goes.
            keep: Let later estimates of the same test count with it.

        Raises:
            BadInputError: The scenario cannot be run here, or the account does not exist.
            TargetNotAllowedError: Nobody said that this host may be loaded.
            CalibrationFilesError: It could not be kept; that is seen before any load is put on.
            CalibrationTooSmallError: It says nothing of many users and is not kept; it is in it.
            CalibrationNotKeptError: It cannot be kept after all; what was measured is in it.
            CalibrationNotValidError: Nothing could be measured, for the target did not answer.
            CalibrationFailedError: Nothing could be measured.
        """
        from engine.calibrating import session
        from engine.calibrating.folder import keep_calibration

        self._check_leave(scenario, account)
        if keep:
            self.check_can_keep(scenario)
        made = session.calibrate(
            scenario,
            at=self._context.clock.now(),
            users_max=users_max or session.USERS_MAX,
            timing=timing,
            watch=watch or session.ignore,
        )
        if keep:
            keep_calibration(scenario, made)
        return made

    def check_can_keep(self, scenario: Scenario) -> None:
        """See that what will be measured of the test can be kept: a folder, leave to write, room.

        Raises:
            CalibrationFilesError: With the reason, and what to do.
        """
        from engine.calibrating.folder import check_can_keep

        check_can_keep(scenario)

    def plan_climb(
        self,
        scenario: Scenario,
        *,
        provider: str,
        region: str | None = None,
        users_max: int | None = None,
        timing: Timing | None = None,
    ) -> Climb:
        """How the users of the test will come on a cloud, in ever larger steps.

        Nothing is launched.

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

        if users_max == 1:
            raise BadInputError(
                "--users-at-most 1: one number of users does not tell what the load engine takes "
                "without any, so nothing was launched; 2 are the least"
            )
        session.check_users_can_be_held(scenario)
        check_takes_steps(scenario)
        if region is not None:
            scenario = replace(scenario, regions=equal_shares([region]))
        timing = timing or session.timing_of(scenario)
        requirement = self._runs.estimate(scenario, provider=provider).requirement
        stairs = staircase(
            requirement, timing.settle_s, timing.window_s, users_max or session.USERS_MAX
        )
        return Climb(scenario, provider, stairs)

    def start_climb(
        self,
        climb: Climb,
        *,
        account: str,
        dry_run: bool = False,
        keep: bool = True,
        lease: Lease | None = None,
    ) -> Run:
        """Put the run on record; ``drive`` or ``wait`` of ``engine.runs`` brings it to its end.

        Args:
            climb: As ``plan_climb`` gives it.
            account: Who pays, and has allowed the target's host.
            dry_run: On a rehearsed cloud, whose machine is part of this computer.
            keep: Whether ``finish_climb`` is going to keep it.
            lease: Of who is going to drive it.

        Raises:
            CalibrationFilesError: What is measured could not be kept; nothing was started.
            LoadmusterError: As ``engine.runs.accept``.
        """
        if keep and not dry_run:
            self.check_can_keep(climb.test)
        return self._runs.accept(
            climb_request(climb, account=account, dry_run=dry_run), lease=lease
        )

    def finish_climb(self, climb: Climb, run_id: str, *, keep: bool = True) -> Calibration:
        """What the run measured; waits for its end, and drives it there if nobody else does.

        Args:
            climb: That was run.
            run_id: The run.
            keep: Let later estimates of the test count with it; what was rehearsed never is kept.

        Raises:
            CalibrationFailedError: The run did not play to its end, or nothing could be measured.
            CalibrationTooSmallError: It says nothing of many users and is not kept; it is in it.
            CalibrationNotKeptError: It cannot be kept after all; what was measured is in it.
            CalibrationNotValidError: Nothing could be measured, for the target did not answer.
        """
        from engine.calibrating.by_run import calibration_of
        from engine.calibrating.folder import keep_calibration

        run = self._runs.wait(run_id)
        made = calibration_of(run, climb.stairs)
        if keep and not run.order.rehearsal:
            keep_calibration(climb.test, made)
        return made

    def _check_leave(self, scenario: Scenario, account: str | None) -> None:
        """As for a run on a cloud: a host is loaded only after an account has said that it may."""
        from engine.runs.model.errors import TargetNotAllowedError
        from engine.runs.targets import host_of, is_this_computer

        host = host_of(scenario.target)
        if not host or is_this_computer(host):
            return
        if account is None:
            raise TargetNotAllowedError(
                f"{host} is not this computer, so say which account has allowed it: --account ID; "
                f"it is allowed by: loadmuster account allow-target ID {host}",
                host=host,
            )
        TargetCommands(self._context).check(account, scenario.target)


def climb_request(climb: Climb, *, account: str, dry_run: bool = False) -> RunRequest:
    """The run that measures, as any other is asked for."""
    return RunRequest(
        scenario=climb.scenario,
        account=account,
        provider=climb.provider,
        dry_run=dry_run,
        with_load=dry_run,
    )
