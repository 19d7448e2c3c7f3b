"""Names that the catalogue does not know, and files that it cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kernel.errors import BadInputError
from kernel.near_names import near_names

NAMES_NEAR_MAX = 3
NAMES_SHOWN_MAX = 8


class UnknownProviderError(BadInputError):
    """No such cloud in the catalogue."""

    code = "unknown_provider"


class UnknownRegionError(BadInputError):
    """The cloud has no such region in the catalogue."""

    code = "unknown_region"


class UnknownFamilyError(BadInputError):
    """No machine type belongs to the family."""

    code = "unknown_family"


class UnknownMachineTypeError(BadInputError):
    """The catalogue has no price of the machine type in the region."""

    code = "unknown_machine_type"


class CatalogUnreadableError(BadInputError):
    """A data file of the catalogue is missing or malformed."""

    code = "catalog_unreadable"


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """The known names most like ``name``, best first; the first few when none is like it."""
    return near_names(name, known, most=NAMES_NEAR_MAX) or list(known[:NAMES_SHOWN_MAX])


def in_words(names: Iterable[str]) -> str:
    """``a, b, c`` for the end of an error message."""
    return ", ".join(names)
