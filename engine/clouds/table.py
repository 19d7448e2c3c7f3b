"""The table of clouds: what is offered, estimated, run, rehearsed, examined, refreshed, reaped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.clouds.aws import AWS
from engine.clouds.azure import AZURE
from engine.clouds.facts import CloudFacts
from kernel.errors import BadInputError
from kernel.table import Table
from pricing.catalog.clouds import PRICED_CLOUDS

CLOUDS = Table(AWS, AZURE)

LOCAL = "local"
"""This machine: runs can be on it too, and it is no cloud."""


@contextmanager
def one_cloud_more(cloud: CloudFacts) -> Iterator[None]:
    """Another cloud, with its prices, for as long as the context lasts.

    Command lines read their choices when they are imported; so they are to be imported in it.
    """
    with PRICED_CLOUDS.extended(cloud.prices), CLOUDS.extended(cloud):
        yield


def not_offered(provider: str) -> BadInputError:
    """The error for a provider that there is not."""
    return BadInputError(
        f"runs on {provider!r} are not offered: use --provider local for load from this machine, "
        f"{' or '.join(CLOUDS)}",
        provider=provider,
    )
