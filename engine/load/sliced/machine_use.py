"""What a whole machine used while the load was on."""

from __future__ import annotations

import json

from msgspec import Struct

from engine.load.driver import Look


class MachineUse(Struct, frozen=True):
    """Processors and memory of a machine; None: never measured.

    Attributes:
        machine_cpu_percent_max: Most of all its processors together, over one window.
        machine_cpu_percent_mean: The same over the whole load.
        memory_used_bytes_max: Most memory that was not available to programs.
        memory_bytes: What it has.
        machine_cores: Its processors.
        looks: One at the start and one at the end of each window, where they were asked for.
    """

    machine_cpu_percent_max: float | None = None
    machine_cpu_percent_mean: float | None = None
    memory_used_bytes_max: int | None = None
    memory_bytes: int | None = None
    machine_cores: int | None = None
    looks: tuple[Look, ...] = ()


def machine_use_from(content: bytes) -> MachineUse | None:
    """What ``measure.sh`` wrote; None: only a part of it is there yet."""
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return MachineUse(
        machine_cpu_percent_max=document["cpu_percent_max"],
        machine_cpu_percent_mean=document["cpu_percent_mean"],
        memory_used_bytes_max=document["memory_used_bytes_max"],
        memory_bytes=document["memory_bytes"],
        machine_cores=document["cores"],
        looks=tuple(Look(*each) for each in document["looks"]),
    )
