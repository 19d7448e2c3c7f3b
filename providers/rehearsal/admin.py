"""What the caller of a rehearsal may ask of it besides what its cloud answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from msgspec.structs import asdict

from providers.rehearsal.fault_injector import FaultInjector
from providers.rehearsal.faults import fault_from_json


def administer(
    world: FaultInjector, method: str, verb: str, body: bytes, on_stop: Callable[[], None]
) -> object | None:
    """Health, faults, records, an end.

    Args:
        world: Faults wanted, and calls recorded.
        method: ``GET``, ``POST`` or ``DELETE``.
        verb: What is asked.
        body: JSON, where the verb takes any.
        on_stop: Called when the server is asked to end.

    Returns:
        The answer, to be sent as JSON; None: there is no such verb.
    """
    match method, verb:
        case "POST", "faults":
            world.add(fault_from_json(json.loads(body)))
        case "DELETE", "faults":
            world.clear()
        case "GET", "requests":
            return [asdict(request) for request in world.requests]
        case "POST", "stop":
            on_stop()
        case "GET", "health":
            return {"pid": os.getpid()}
        case _:
            return None
    return {}
