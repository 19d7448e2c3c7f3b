"""The clouds' price lists, each connected when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kernel.clock import Clock
from kernel.extras import check_installed
from pricing.catalog import PROVIDERS, UnknownProviderError
from providers.environment import price_addresses

if TYPE_CHECKING:
    from engine.catalogs.price_source import PriceSource


def price_source(
    provider: str, clock: Clock, *, spot: bool = False, environment: Mapping[str, str] = os.environ
) -> PriceSource:
    """The price list of a cloud.

    Args:
        provider: ``aws`` or ``azure``.
        clock: The time, and on which waits pass.
        spot: Whether spot prices are wanted too.
        environment: May say where a price list answers instead.

    Raises:
        UnknownProviderError: There is no such cloud.
        BadInputError: What is needed to ask it is not installed.
    """
    addresses = price_addresses(environment)
    if provider == "aws":
        check_installed("boto3, which reads the prices of AWS,", "boto3", "catalog")
        from engine.catalogs.aws import AwsSource

        return AwsSource(clock, spot=spot, endpoint_url=addresses.aws)
    if provider == "azure":
        check_installed("httpx, which reads the prices of Azure,", "httpx", "catalog")
        from engine.catalogs.azure import AzureSource

        if addresses.azure is None:
            return AzureSource(clock)
        return AzureSource(clock, address=addresses.azure)
    raise UnknownProviderError(
        f"no provider {provider!r}; there are {', '.join(PROVIDERS)}", provider=provider
    )
