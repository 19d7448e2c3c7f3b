"""The rehearsed AWS that runs share, and how a process is told of it."""

from __future__ import annotations

REHEARSAL_VARIABLE = "LOADMUSTER_REHEARSAL"
"""Address of a rehearsed AWS that runs share."""
