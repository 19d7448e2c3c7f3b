"""The rooms of the Python API: ``Engine`` has one of each.

Each command of a room is one transaction, reads the clock once, does nothing when its request id
has been answered before, and returns what it concerns as it stands afterwards.
"""
