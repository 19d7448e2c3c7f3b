"""Calibrations: what one user of a test takes, measured on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.targets import TargetCommands

if TYPE_CHECKING:
    from engine.calibrating.calibration import Calibration
    from engine.calibrating.injector import Timing
    from engine.calibrating.session import Watch
    from engine.scenario import Scenario


class CalibrationCommands(TargetCommands):
    """Measure a test's users."""

    def calibrate(
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
            CalibrationFailedError: Nothing could be measured.
        """
        from engine.calibrating import session
        from engine.calibrating.folder import keep_calibration

        self._check_leave(scenario, account)
        made = session.calibrate(
            scenario,
            at=self.clock.now(),
            users_max=users_max or session.USERS_MAX,
            timing=timing,
            watch=watch or session.ignore,
        )
        if keep:
            keep_calibration(scenario, made)
        return made

    def _check_leave(self, scenario: Scenario, account: str | None) -> None:
        """As for a run on a cloud: a host is loaded only after an account has said that it may."""
        from engine.runs.errors import TargetNotAllowedError
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
        self.check_target(account, scenario.target)
