"""Orders and machines as JSON documents and back, exactly, for the run store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from engine.runs.states import Placement, RunOrder
from engine.scenario.json import scenario_from_json, scenario_to_json
from pricing.plans.quotes import quote_from_json, quote_to_json
from providers.contract import Machine, MachineState

Document = dict[str, Any]


def order_to_json(order: RunOrder) -> Document:
    """The order in dicts, lists, strings and numbers."""
    return {
        "run_id": order.run_id,
        "account_id": order.account_id,
        "scenario": scenario_to_json(order.scenario),
        "quote": quote_to_json(order.quote),
        "provider": order.provider,
        "placements": [_placement_to_json(placement) for placement in order.placements],
        "rehearsal": order.rehearsal,
        "time_scale": order.time_scale,
        "accepted_at": order.accepted_at.isoformat(),
        "department": order.department,
        "puts_load": order.puts_load,
        "spot": order.spot,
    }


def order_from_json(document: Mapping[str, Any]) -> RunOrder:
    """The order that ``order_to_json`` wrote."""
    return RunOrder(
        run_id=document["run_id"],
        account_id=document["account_id"],
        scenario=scenario_from_json(document["scenario"]),
        quote=quote_from_json(document["quote"]),
        provider=document["provider"],
        placements=tuple(
            _placement_from_json(each, document["provider"]) for each in document["placements"]
        ),
        rehearsal=document["rehearsal"],
        time_scale=document["time_scale"],
        accepted_at=datetime.fromisoformat(document["accepted_at"]),
        # Orders from before there were departments do not have it.
        department=document.get("department"),
        puts_load=document.get("puts_load", not document["rehearsal"]),
        # Orders from before spot machines do not have it.
        spot=document.get("spot", False),
    )


def _placement_to_json(placement: Placement) -> Document:
    return {
        "provider": placement.provider,
        "region": placement.region,
        "machine_types": list(placement.machine_types),
        "count": placement.count,
        "hourly_usd_micros": list(placement.hourly_usd_micros),
        "users": placement.users,
        "elsewhere": [_placement_to_json(each) for each in placement.elsewhere],
        "around_monthly_usd_micros": placement.around_monthly_usd_micros,
    }


def _placement_from_json(document: Mapping[str, Any], provider: str) -> Placement:
    """Those from before runs could go to another cloud do not name theirs, nor all their costs."""
    return Placement(
        provider=document.get("provider", provider),
        region=document["region"],
        machine_types=tuple(document["machine_types"]),
        count=document["count"],
        hourly_usd_micros=tuple(document["hourly_usd_micros"]),
        users=document["users"],
        elsewhere=tuple(_placement_from_json(each, provider) for each in document["elsewhere"]),
        around_monthly_usd_micros=document.get("around_monthly_usd_micros", 0),
    )


def machine_to_json(machine: Machine) -> Document:
    """One machine as a document."""
    return asdict(machine) | {
        "state": machine.state.value,
        "launched_at": machine.launched_at.isoformat(),
        "expires_at": machine.expires_at.isoformat(),
    }


def machine_from_json(document: Mapping[str, Any]) -> Machine:
    """The machine that ``machine_to_json`` wrote."""
    return Machine(
        **{
            **document,
            "state": MachineState(document["state"]),
            "launched_at": datetime.fromisoformat(document["launched_at"]),
            "expires_at": datetime.fromisoformat(document["expires_at"]),
        }
    )
