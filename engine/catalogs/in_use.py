"""The catalogue in use: the refreshed one if there is one, else the one that is bundled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from kernel.data_folder import data_folder
from pricing.catalog import Catalog
from pricing.catalog.versions import Versions

CATALOG_VARIABLE = "LOADMUSTER_CATALOG"
"""Names the folder of refreshed catalogues, instead of the one in the user's data folder."""


def catalog_in_use(environment: Mapping[str, str] = os.environ) -> Catalog:
    """Machine types and prices, as commands use them.

    Raises:
        CatalogUnreadableError: A refreshed catalogue is in use, and is damaged.
    """
    versions = versions_here(environment)
    return _opened(versions.folder, versions.in_use())


def versions_here(environment: Mapping[str, str] = os.environ) -> Versions:
    """All catalogues of this user."""
    named = environment.get(CATALOG_VARIABLE, "").strip()
    return Versions(Path(named) if named else data_folder(environment) / "catalog")


@lru_cache(maxsize=4)
def _opened(folder: Path, name: str) -> Catalog:
    """A version never changes, so what was read of it stays true."""
    return Versions(folder).open(name)
