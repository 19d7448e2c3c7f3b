"""The catalogue in use: the refreshed one if there is one, else the one that is bundled."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

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
    return Versions(Path(named) if named else _data_folder(environment) / "catalog")


@lru_cache(maxsize=4)
def _opened(folder: Path, name: str) -> Catalog:
    """A version never changes, so what was read of it stays true."""
    return Versions(folder).open(name)


def _data_folder(environment: Mapping[str, str]) -> Path:
    """Where the user's database lies by default too.

    Every estimate asks for it, and platformdirs takes as long to be imported as an estimate to be
    made; on Linux its answer is two lines.
    """
    if "linux" in sys.platform:
        base = environment.get("XDG_DATA_HOME", "").strip()
        return (Path(base) if base.startswith("/") else Path.home() / ".local/share") / "loadmuster"
    from platformdirs import user_data_path

    return user_data_path("loadmuster", appauthor=False)
