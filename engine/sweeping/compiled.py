"""Compiled: the loops of ``kernel`` for numba, under the same names."""

from engine.sweeping.compiled_charges import CHUNK_ROWS, charge
from engine.sweeping.compiled_costs import cost

__all__ = ["CHUNK_ROWS", "charge", "cost"]
