"""Play lives: ``python -m tests.independent_model --seed 7 --lives 1000 --steps 30``."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.independent_model.auditing import Outcome, Plan, audit, audit_some
from tests.telling import say, say_all


def main() -> int:
    """Play and report; 1 if product and model differ anywhere."""
    options = _options()
    plan = Plan(options.seed, options.lives, options.steps, options.whole_every)
    say(f"seed {plan.seed}")
    began = time.monotonic()
    if options.life is None:
        outcome = audit(plan, options.processes, _tell, say)
    else:
        outcome = audit_some(plan, options.life, 1, say)
    steps = outcome.steps.total()
    say(f"{outcome.lives:,} lives, {steps:,} steps in {time.monotonic() - began:.0f} s")
    say_all("steps", outcome.steps)
    say_all("refusals", outcome.refusals)
    say(f"differences: {len(outcome.differences)}")
    for each in outcome.differences:
        say(each)
    return 1 if outcome.differences else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.independent_model", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same lives")
    parser.add_argument("--lives", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--life", type=int, help="only this one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--whole-every", type=int, default=3, help="steps between looks at all reports"
    )
    return parser.parse_args()


def _tell(so_far: Outcome) -> None:
    if so_far.lives % 100 == 0:
        say(f"{so_far.lives:,} lives so far, {len(so_far.differences)} differences")


if __name__ == "__main__":
    sys.exit(main())
