"""Extras: parts of loadmuster that need packages which not everybody installs."""

from __future__ import annotations

import importlib.util

from kernel.errors import BadInputError


def is_installed(module: str) -> bool:
    """Whether a module is there, without importing it; its parents are imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def not_installed(what: str, extra: str) -> str:
    """One line for whoever lacks it: what is missing, and how to install it."""
    return f"{what} is not installed; install it with: pip install 'loadmuster[{extra}]'"


def check_installed(what: str, module: str, extra: str) -> None:
    """Look for what an extra installs, without importing it.

    Args:
        what: It is, for people.
        module: That it brings.
        extra: By which it is installed.

    Raises:
        BadInputError: The message says what to install.
    """
    if not is_installed(module):
        raise BadInputError(not_installed(what, extra))
