"""Machines that are processes of this computer."""

from __future__ import annotations

from providers.local.provider import LocalProvider

__all__ = ["LocalProvider"]
