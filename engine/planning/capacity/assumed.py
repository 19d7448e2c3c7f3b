"""Assumed: how far what nobody says may be from what is counted in its place."""

from __future__ import annotations

ASSUMED_SIZE_LOW_PERCENT, ASSUMED_SIZE_HIGH_PERCENT = 50, 400
"""How far the real size of a request or a response may be from one that had to be assumed."""

PACE_LOW_PERCENT, PACE_HIGH_PERCENT = 33, 300
"""How far the real pace of a user may be from one that had to be assumed."""
