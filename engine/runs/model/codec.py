"""Orders, machines and sightings as JSON documents and back, exactly, for the run store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import convert

from engine.runs.model.errors import RecordUnreadableError
from engine.runs.model.sighting import Sighting
from engine.runs.model.states import RunOrder
from engine.scenario.json import scenario_from_json, scenario_to_json
from kernel.plain import plain
from pricing.plans.quotes import quote_from_json, quote_to_json
from providers.contract import Machine

Document = dict[str, Any]
Stored = TypeVar("Stored")


def order_to_json(order: RunOrder) -> Document:
    """The order in dicts, lists, strings and numbers."""
    document: Document = plain(order)
    return document | {
        "scenario": scenario_to_json(order.scenario),
        "quote": quote_to_json(order.quote),
    }


def order_from_json(document: Mapping[str, Any]) -> RunOrder:
    """The order that ``order_to_json`` wrote; what is missing was not known then.

    Raises:
        RecordUnreadableError: It is something else. Likewise for its scenario and its quote.
    """
    try:
        provider = document["provider"]
        whole = {
            # Orders from before rehearsals could put load do not say whether they do.
            "puts_load": not document["rehearsal"],
            **document,
            "scenario": scenario_from_json(document["scenario"]),
            "quote": quote_from_json(document["quote"]),
            "placements": [_with_provider(each, provider) for each in document["placements"]],
        }
        return convert(whole, RunOrder)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordUnreadableError(f"a stored order cannot be read: {error}") from error


def _with_provider(placement: Mapping[str, Any], provider: str) -> Document:
    """Those from before runs could go to another cloud do not name theirs."""
    return {
        "provider": provider,
        **placement,
        "elsewhere": [_with_provider(each, provider) for each in placement["elsewhere"]],
    }


def machine_to_json(machine: Machine) -> Document:
    """One machine as a document."""
    document: Document = plain(machine)
    return document


def machine_from_json(document: Mapping[str, Any]) -> Machine:
    """The machine that ``machine_to_json`` wrote.

    Raises:
        RecordUnreadableError: It is something else.
    """
    return _read(document, Machine, "machine")


def sighting_to_json(sighting: Sighting) -> Document:
    """The sighting in dicts, strings and numbers."""
    document: Document = plain(sighting)
    return document


def sighting_from_json(document: Mapping[str, Any]) -> Sighting:
    """The sighting that ``sighting_to_json`` wrote.

    Raises:
        RecordUnreadableError: It is something else.
    """
    return _read(document, Sighting, "sighting")


def _read(document: Mapping[str, Any], kind: type[Stored], what: str) -> Stored:
    try:
        return convert(document, kind)
    except ValueError as error:
        raise RecordUnreadableError(f"a stored {what} cannot be read: {error}") from error
