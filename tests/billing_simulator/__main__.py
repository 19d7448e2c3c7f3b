"""Run the simulator: ``python -m tests.billing_simulator --seed 7 --accounts 500 --years 3``."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.billing_simulator.simulation import Outcome, Plan, replay, simulate
from tests.telling import say, say_all

SHOWN = 20


def main() -> int:
    """Simulate and report; 1 if anything was violated."""
    options = _options()
    plan = Plan(options.seed, options.accounts, options.years)
    say(f"seed {plan.seed}")
    began = time.monotonic()
    if options.account is None:
        outcome = simulate(plan, processes=options.processes, tell=_tell)
    else:
        outcome = replay(plan, options.account)
    _report(plan, outcome, time.monotonic() - began)
    return 1 if outcome.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.billing_simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same lives")
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--account", type=int, help="only this one, alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _tell(so_far: Outcome) -> None:
    say(f"{len(so_far.digests)} accounts so far, {len(so_far.violations)} violations")


def _report(plan: Plan, outcome: Outcome, seconds: float) -> None:
    accounts = len(outcome.digests)
    say(f"{accounts} accounts, {outcome.months:,} account-months")
    say(f"{outcome.commands.total():,} commands in {seconds:.1f} s")
    say_all("commands", outcome.commands)
    say_all("faults injected", outcome.faults)
    say_all("refusals", outcome.refusals)
    say(f"violations: {len(outcome.violations)}")
    for violation in outcome.violations[:SHOWN]:
        say(f"  seed {plan.seed}: {violation}")
    if outcome.violations:
        say(f"one account again: --seed {plan.seed} --years {plan.years} --account NUMBER")


if __name__ == "__main__":
    sys.exit(main())
