"""Whole runs on a simulated cloud where anything goes wrong: ``make fleets``.

The controller, the store, the books and the database are the real ones; the cloud, the clock and
every mishap come from one seed. Controllers die before and after any statement, commit, call and
step, or freeze while another takes over; calls and their answers get lost; machines show late, come
in part, die by themselves, linger, or are not released at all; the cloud throttles, has no
capacity or no quota left; people cancel at any moment; the clock jumps. In half of the lives runs
may leave their cloud for another one, where all of that goes on.

Each seed plays one life: some runs, one after the other, until all have ended and the last machine
has had its time. Then no machine may be left, and each run must be billed exactly once.
``--seed N`` plays one life again, step by step the same.
"""
