"""Rehearsals: clouds that answer as the real ones do, and cost nothing."""
