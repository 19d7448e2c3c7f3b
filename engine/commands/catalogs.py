"""Machine types and prices: the catalogue in use, and fresh ones from the clouds' price lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from engine.catalogs.in_use import catalog_in_use, versions_here
from engine.commands.base import Commands

if TYPE_CHECKING:
    from engine.catalogs.fetching import FetchProgress
    from engine.catalogs.refresh import Refreshed
    from pricing.catalog import Catalog


class CatalogCommands(Commands):
    """The catalogue that estimates and runs are made with."""

    def catalog(self) -> Catalog:
        """Machine types and prices in use: those refreshed last, else the bundled ones.

        Raises:
            CatalogUnreadableError: A refreshed catalogue is in use, and is damaged.
        """
        return catalog_in_use()

    def use_catalog(self, version: str) -> Catalog:
        """Use a version of the catalogue from now on: ``bundled``, or the name of a refreshed one.

        Raises:
            UnknownVersionError: There is none.
            CatalogUnreadableError: It is damaged; the version in use stays.
        """
        return versions_here().use(version)

    def refresh_catalog(
        self,
        provider: str,
        *,
        regions: Sequence[str] = (),
        spot: bool = False,
        watch: Callable[[FetchProgress], None] = lambda _: None,
    ) -> Refreshed:
        """Read a cloud's own price list into a new version of the catalogue, and use it.

        Args:
            provider: ``aws`` or ``azure``.
            regions: Those to ask for; none: all that the catalogue has.
            spot: Whether spot prices are wanted too.
            watch: Told of each region that has been fetched.

        Errors are those of ``engine.catalogs.refresh.refresh``.
        """
        from engine.catalogs.refresh import refresh
        from engine.catalogs.sources import price_source

        day = self.clock.now().date()
        with closing(price_source(provider, self.clock, spot=spot)) as source:
            return refresh(
                source, versions_here(), day=day, regions=regions, spot=spot, watch=watch
            )
