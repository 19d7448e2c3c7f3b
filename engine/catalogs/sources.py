"""The clouds' price lists, each connected when it is asked for."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engine.clouds import CLOUDS
from kernel.clock import Clock
from kernel.near_names import meant
from pricing.catalog import UnknownProviderError

if TYPE_CHECKING:
    from engine.catalogs.price_source import PriceSource


def price_source(
    provider: str, clock: Clock, *, spot: bool = False, environment: Mapping[str, str] = os.environ
) -> PriceSource:
    """The price list of a cloud.

    Args:
        provider: The cloud, by its name in ``engine.clouds.CLOUDS``.
        clock: The time, and on which waits pass.
        spot: Whether spot prices are wanted too.
        environment: May say where a price list answers instead.

    Raises:
        UnknownProviderError: There is no such cloud.
        BadInputError: What is needed to ask it is not installed, or an address is no address.
    """
    if provider not in CLOUDS:
        raise UnknownProviderError(
            f"no provider {provider!r}{meant(provider, CLOUDS)}; there are {', '.join(CLOUDS)}",
            provider=provider,
        )
    cloud = CLOUDS[provider]
    cloud.check_price_list()
    connect: Callable[..., PriceSource] = pkgutil.resolve_name(cloud.price_list)
    return connect(clock, spot=spot, environment=environment)
