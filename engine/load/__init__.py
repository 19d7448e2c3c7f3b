"""Putting load on: existing load generators, driven over a run's machines.

``driver`` holds the values and the contract; ``locust`` is the first driver and ``rehearsed`` the
one that puts no load on anything. ``locustfile`` and ``locust_*`` run inside Locust's own
processes only: it patches the interpreter it runs in, so it is never imported into ours.
"""
