"""The commands of the Python API by subject; ``Engine`` has them all as methods.

Each is one transaction, does nothing when its request id has been answered before, and returns what
it concerns as it stands afterwards.
"""
