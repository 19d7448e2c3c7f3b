"""Machines of Microsoft Azure."""

from __future__ import annotations

from providers.azure.adapter import AzureProvider
from providers.azure.connection import Connection

__all__ = ["AzureProvider", "Connection"]
