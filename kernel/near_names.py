"""What a name that nobody knows may have been meant to be."""

from __future__ import annotations

from collections.abc import Iterable

LETTERS_MAX = 100
"""A longer name is nobody's slip of the finger, and would take long to compare."""


def near_names(name: str, known: Iterable[str], *, most: int = 3, alike: float = 0.6) -> list[str]:
    """The known names most like ``name``, best first; capitals do not count.

    Args:
        name: That is not known.
        known: Names that are.
        most: How many, at most.
        alike: From 0 to 1, how much alike they have to be.
    """
    from difflib import get_close_matches  # only errors need it

    by_lower = {each.lower(): str(each) for each in known if each != name}
    wanted = name[:LETTERS_MAX].lower()
    return [by_lower[each] for each in get_close_matches(wanted, by_lower, n=most, cutoff=alike)]


def meant(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'starter'?)``, to stand behind the name in a message; empty: nothing is."""
    near = near_names(name, known, most=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
