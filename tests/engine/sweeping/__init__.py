"""Sweeps: the single estimate over columns, from files, on grids and on a cluster."""
