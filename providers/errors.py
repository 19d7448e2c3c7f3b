"""What can go wrong with machines, as the five decisions a controller takes.

Adapters translate every code of their cloud into one of these in one table; nothing above an
adapter ever sees a cloud's own code, except as a fact to show.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kernel.errors import ProviderFailedError

SPENT = "token_spent"
"""Fact of an error after which the same token can only give the same answer again."""


class ThrottledError(ProviderFailedError):
    """Too many calls: back off with jitter and send the same request again. Never "no capacity"."""

    code = "provider_throttled"


class QuotaExceededError(ProviderFailedError):
    """The account may not have that many; facts: ``quota``, ``limit``, ``wanted``."""

    code = "provider_quota"


class CapacityUnavailableError(ProviderFailedError):
    """The cloud has none left of that type there: try another zone, type, region or cloud."""

    code = "provider_capacity"


class ConfigurationRejectedError(ProviderFailedError):
    """The request can never work as it is (credentials, names, permissions): stop and say what."""

    code = "provider_configuration"


class UnknownOutcomeError(ProviderFailedError):
    """No answer arrived: it may have worked. Ask again with the same token, then list by tag."""

    code = "provider_unknown_outcome"


def decision_table(
    *,
    throttled: Collection[str],
    quota: Collection[str],
    capacity: Collection[str],
    configuration: Collection[str],
    unknown_outcome: Collection[str],
) -> Mapping[str, type[ProviderFailedError]]:
    """The decision for each code of a cloud, from the codes of each decision."""
    return {
        code: decision
        for codes, decision in (
            (throttled, ThrottledError),
            (quota, QuotaExceededError),
            (capacity, CapacityUnavailableError),
            (configuration, ConfigurationRejectedError),
            (unknown_outcome, UnknownOutcomeError),
        )
        for code in codes
    }
