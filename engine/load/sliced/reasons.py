"""Why injectors failed, for people: each reason once, with how many of the injectors it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from kernel.words import counted

REASONS_MAX = 3
"""Different ones that are told; a fleet of hundreds may have as many."""

ENGINE_FAILED = "the load generator failed: "
"""So ``bootstrap.sh`` says it where its load engine ended with an error."""

SILENT = "the load generator failed, and did not say why"
"""Where it ended with an error, and not a word."""

NOT_READY = "cannot get ready: "
"""So where ``prepare.sh`` did."""

_SECONDS = re.compile(r"\bafter \d+ s\b")


class Reason(Struct, frozen=True):
    """What one process of an injector, or the injector itself, says of its failure."""

    machine: str
    text: str


def told_once(reasons: Iterable[Reason], injectors: int) -> str:
    """All reasons in one line; empty: there is none.

    Reasons that differ in nothing but the second of the load are the same.

    Args:
        reasons: Several processes of an injector may say the same.
        injectors: How many there are in all.
    """
    first: dict[str, str] = {}
    machines: dict[str, set[str]] = {}
    for reason in reasons:
        text = SILENT if reason.text.strip() == ENGINE_FAILED.strip() else reason.text
        same = _SECONDS.sub("", text)
        first.setdefault(same, text)
        machines.setdefault(same, set()).add(reason.machine)
    told = [
        text if injectors == 1 else f"{len(machines[same])} of {injectors} injectors: {text}"
        for same, text in first.items()
    ]
    more = len(told) - REASONS_MAX
    others = [f"and {counted(more, 'other reason')}"] if more > 0 else []
    return "; ".join([*told[:REASONS_MAX], *others])


def is_the_load(reasons: Sequence[Reason], *, prepares: bool) -> bool:
    """Whether it is the load that failed, and not the machine under it.

    Args:
        reasons: What injectors said when they gave up.
        prepares: Whether the scenario has a ``prepare`` of its own.
    """
    own = (ENGINE_FAILED, NOT_READY) if prepares else (ENGINE_FAILED,)
    return any(f"{reason.text} ".startswith(own) for reason in reasons)
