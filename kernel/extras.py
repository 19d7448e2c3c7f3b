"""Extras: parts of loadmuster that need packages which not everybody installs."""

from __future__ import annotations

import importlib.util


def is_installed(module: str) -> bool:
    """Whether a module is there, without importing it; its parents are imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def not_installed(what: str, extra: str) -> str:
    """One line for whoever lacks it: what is missing, and how to install it."""
    return f"{what} is not installed; install it with: pip install 'loadmuster[{extra}]'"
