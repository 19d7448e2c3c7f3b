"""Runs as they are on record: every change of state, their history, and bundles of programs."""
