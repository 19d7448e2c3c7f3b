"""The errors for a launch that gave too few machines."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.errors import ProviderFailedError
from kernel.words import counted
from providers.contract import LaunchSpec
from providers.errors import (
    SPENT,
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)

# Throttling comes first, because it says nothing of the capacity; a rejected type or zone comes
# last, because another might have worked.
_IN_ORDER = (
    ThrottledError,
    QuotaExceededError,
    CapacityUnavailableError,
    ConfigurationRejectedError,
)


def shortage_error(
    cloud: str, spec: LaunchSpec, launched: int, errors: Sequence[ProviderFailedError]
) -> ProviderFailedError:
    """Why too few machines came; asked again, the token could only give the same answer.

    Args:
        cloud: Its name, for people.
        spec: The launch.
        launched: How many machines came.
        errors: What kept the cloud from giving more, as far as it says.
    """
    for decision in _IN_ORDER:
        for error in errors:
            if isinstance(error, decision):
                return decision(
                    f"{launched} of at least {counted(spec.min_count, 'machine')}: {error.message}",
                    **error.facts,
                    launched=launched,
                    **{SPENT: True},
                )
    reason = errors[0].message if errors else "no reason given"
    return CapacityUnavailableError(
        f"{cloud} {spec.region}: {launched} of at least {counted(spec.min_count, 'machine')}: "
        f"{reason}",
        region=spec.region,
        launched=launched,
        **{SPENT: True},
    )


def left_behind_error(
    cloud: str, spec: LaunchSpec, launched: int, error: ProviderFailedError
) -> UnknownOutcomeError:
    """The error for a launch that gave too few machines, which could not be ended either."""
    return UnknownOutcomeError(
        f"{cloud} {spec.region}: {launched} of {spec.min_count} machines were launched and may be "
        f"left: {error.message}",
        region=spec.region,
        launched=launched,
        wanted=spec.min_count,
    )
