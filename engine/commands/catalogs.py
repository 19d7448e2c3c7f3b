"""Machine types and prices: the catalogue in use, and fresh ones from the clouds' price lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from engine.catalogs.in_use import catalog_in_use, versions_here
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.former_names import FormerlyCalled

if TYPE_CHECKING:
    from engine.catalogs.fetching import FetchProgress
    from engine.catalogs.refresh import Refreshed
    from pricing.catalog import Catalog
    from pricing.catalog.versions import Versions


@checked
class CatalogCommands(FormerlyCalled):
    """The catalogue that estimates and runs are made with."""

    former_call = "catalog"

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def current(self) -> Catalog:
        """Machine types and prices in use: those refreshed last, else the bundled ones.

        Raises:
            CatalogUnreadableError: A refreshed catalogue is in use, and is damaged.
        """
        return catalog_in_use(self._context.environment)

    def versions(self) -> Versions:
        """All versions of the catalogue that this user has."""
        return versions_here(self._context.environment)

    def use(self, version: str) -> Catalog:
        """Use a version of the catalogue from now on: ``bundled``, or the name of a refreshed one.

        Raises:
            UnknownVersionError: There is none.
            CatalogUnreadableError: It is damaged; the version in use stays.
        """
        return self.versions().use(version)

    def refresh(
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

        day = self._context.clock.now().date()
        with closing(price_source(provider, self._context.clock, spot=spot)) as source:
            return refresh(
                source, self.versions(), day=day, regions=regions, spot=spot, watch=watch
            )
