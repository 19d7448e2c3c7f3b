"""Putting load on: existing load generators, driven over a run's machines.

``driver`` holds the values and the contract; ``locust`` is the first driver and ``rehearsed`` the
one that puts no load on anything. ``locustfile`` and ``locust_master`` run inside Locust's own
processes only: Locust patches the interpreter it runs in, so nothing here imports it.
"""
