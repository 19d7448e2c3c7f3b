"""Calibrating: what one user of a test takes of an injector, measured instead of looked up.

    Scenario -> Step, Step, ... -> Fit -> Calibration -> Measured

``steps`` says how many users to try next, ``injector`` plays a step on this machine with the very
agent that injectors run, ``fit`` draws the line through what was measured, ``session`` joins them.
On a cloud all steps are planned before, as a ``staircase`` that a run plays; ``by_run`` cuts them
out of what its machine reported.
``folder`` keeps calibrations, and what real runs measured, in a ``place`` by the test's
``identity``; ``evidence`` turns what is kept into what estimates count with.
"""
