"""What a caller of runs decides on."""

from __future__ import annotations

from kernel.errors import (
    BadInputError,
    InvariantBrokenError,
    LoadmusterError,
    ProviderFailedError,
    RefusedError,
)


class UnknownRunError(BadInputError):
    """No run has that id; facts: ``run``."""

    code = "unknown_run"


class RecordUnreadableError(InvariantBrokenError):
    """What the store holds of a run is not ours."""

    code = "record_unreadable"


class PriceCapError(RefusedError):
    """The quote is above the caller's cap; facts: ``quoted_usd``, ``max_usd``."""

    code = "above_max_usd"


class TargetNotAllowedError(RefusedError):
    """The account has not allowed this host to be loaded; facts: ``account``, ``host``."""

    code = "target_not_allowed"


class ReaperOverdueError(RefusedError):
    """No reaper has looked where runs have or had machines, for longer than is in order.

    Facts: ``places``: how many are overdue; ``provider``, ``region`` and ``age_s`` of the one that
    has waited longest; ``max_age_s``.
    """

    code = "reaper_overdue"


class ReleaseUnprovenError(ProviderFailedError):
    """Machines could not be proven gone; the run stays open; facts: ``run``, ``machines``."""

    code = "release_unproven"


class LeaseLostError(ProviderFailedError):
    """Another controller drives the run now; this one must stop; facts: ``run``."""

    code = "lease_lost"


class MachinesElsewhereError(ProviderFailedError):
    """The run's machines are processes of another computer; facts: ``run``, ``host``."""

    code = "machines_elsewhere"


class ControllerNotStartedError(ProviderFailedError):
    """No controller came up for a run, which stays as it was; facts: ``run``, ``log``."""

    code = "controller_not_started"


class DriveTimeoutError(LoadmusterError):
    """The run did not end while this command waited; facts: ``run``, ``state``.

    Nothing failed, and nothing is to be changed: wait longer, or let whoever drives it go on.
    """

    code = "run_still_open"
    exit_code = 4
