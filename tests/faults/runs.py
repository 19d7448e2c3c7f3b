"""The life of a run: charge, settlement, reaper, controllers."""

from __future__ import annotations

from tests.faults.fault import Fault

SETTLEMENT = "tests/engine/runs/test_settlement.py"
ASKED = "tests/engine/runs/test_asked_at_the_start.py"
REAPING = "tests/engine/runs/reaper/test_reaper.py"
SERVING = "tests/engine/runs/test_serving.py"

FAULTS = (
    Fault(
        "the reaper reads the store first and the cloud second",
        "engine/runs/reaper/reaper.py",
        "    machines = provider.observe_all(place.regions)\n"
        "    known = ended({machine.run_id for machine in machines})\n",
        "    known = ended({each.run_id for each in provider.observe_all(place.regions)})\n"
        "    machines = provider.observe_all(place.regions)\n",
        (REAPING,),
        "between_the_two",
    ),
    Fault(
        "the reaper takes machines of any age",
        "engine/runs/reaper/orphans.py",
        "<= born_by",
        "<= now",
        (REAPING,),
        "younger",
    ),
    Fault(
        "an open run's machines are reaped when one of them is out of time",
        "engine/runs/reaper/orphans.py",
        "if all(machine.expires_at",
        "if any(machine.expires_at",
        (REAPING,),
        "has_time_left",
    ),
    Fault(
        "what serves takes runs that a living controller holds",
        "engine/runs/leases/claims.py",
        'RUNS.c.lease_until <= bindparam("now"),',
        "RUNS.c.lease_until.is_not(None),",
        (SERVING,),
        "lease or accepted",
    ),
    Fault(
        "a failure before load is charged from the intent",
        "engine/runs/settlement.py",
        "since = run.launched_at or run.intent_at",
        "since = run.intent_at",
        (SETTLEMENT,),
        "failure or intent",
    ),
    Fault(
        "a failure of ours costs credits",
        "engine/runs/settlement.py",
        "        return Kept(0, 0)\n",
        "        return Kept(quote.startup, 0)\n",
        (SETTLEMENT,),
        "failure",
    ),
    Fault(
        "a run is not asked for its money after its charge",
        "engine/runs/actions.py",
        "            self._collect(run)\n",
        "            pass\n",
        (ASKED,),
    ),
)
