"""Details: what injectors leave besides their reports: their tallies, and their requests by name.

They take room, so they are read once, for the result. They come from machines that a target may
have got hold of: bounded in size, and checked in type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import DecodeError, Meta, Struct, ValidationError, json, to_builtins

from engine.load.failure_kinds import KIND_MAX, kind_of_text, printable
from engine.load.requests import merged_rows
from engine.load.tally import Tally
from kernel.words import counted

BYTES_MAX = 4 * 1024 * 1024
NAME_MAX = 200

Count = Annotated[int, Meta(ge=0)]
Second = Annotated[int, Meta(ge=0, le=2**32)]
Pairs = Annotated[list[tuple[Count, Count]], Meta(max_length=2_000)]
WaitMs = Annotated[float, Meta(ge=0)]


class TallyDocument(Struct, frozen=True):
    """As ``engine.load.tally.Tally.document`` gives it.

    ``codes`` is what a program's samples say of failures: request, code, message, how many.
    """

    begun: Count | None
    cut_off: Pairs | None
    longest_wait_ms: WaitMs | None
    kinds: Annotated[list[tuple[str, Count]], Meta(max_length=200)]
    samples: Annotated[list[dict[str, str]], Meta(max_length=200)]
    window_s: Annotated[int, Meta(ge=1, le=2**24)]
    windows: Annotated[list[tuple[Second, Count, Count, Pairs]], Meta(max_length=2_000)]
    codes: Annotated[list[tuple[str, str, str, Count]], Meta(max_length=200)] = []


class NameRow(Struct, frozen=True):
    """A row of ``engine.load.requests.merged_rows``."""

    method: str
    name: str
    requests: Count
    failures: Count
    response_times_ms: Pairs


class Detail(Struct, frozen=True):
    """What one process of an injector left."""

    tally: TallyDocument
    names: Annotated[list[NameRow], Meta(max_length=2_000)]


def detail_from(content: bytes) -> Detail | None:
    """What was uploaded; None: it is not whole, too large or something else."""
    if len(content) > BYTES_MAX:
        return None
    try:
        # A program's agent may cut a text within a character.
        return json.decode(content.decode("utf-8", errors="replace"), type=Detail)
    except (DecodeError, ValidationError):
        return None


def merged_details(found: Sequence[Detail], processes: int, engine: str) -> dict[str, Any]:
    """The parts of what ``engine.load.verdict.judge`` reads that details tell.

    Args:
        found: Of all processes that left one.
        processes: How many there were.
        engine: Which load engine played, for people.
    """
    if not found:
        return {"unknown": (f"{_whose(processes)} left no table of requests",)}
    tally = Tally()
    for detail in found:
        tally.add(_shown(detail.tally))
    if len(found) < processes:
        # Those of the others are not in it.
        tally.begun = tally.cut_off = None
    return {
        "tally": tally.document(),
        "names": merged_rows(_rows(detail.names) for detail in found),
        "unknown": tuple(_unknown(tally, processes - len(found), engine)),
    }


def _unknown(tally: Tally, missing: int, engine: str) -> Iterable[str]:
    if missing:
        yield f"{_whose(missing)} left no table of requests, so begun and unanswered are not known"
    elif tally.begun is None:
        yield (
            f"begun, unanswered, longest wait: {engine}'s samples are of requests that ended; of "
            "those without an answer they do not tell"
        )


def _whose(processes: int) -> str:
    return counted(processes, "load generator")


def _shown(document: TallyDocument) -> Mapping[str, Any]:
    """The tally with every text printable, and with the kinds of what programs' samples say."""
    plain: dict[str, Any] = to_builtins(document)
    codes = [
        (kind_of_text(code, message), printable(name, KIND_MAX), printable(message or code), count)
        for name, code, message, count in plain.pop("codes")
    ]
    kinds = [(printable(kind, KIND_MAX), count) for kind, count in plain["kinds"]]
    plain["kinds"] = [*kinds, *((kind, count) for kind, _, _, count in codes)]
    plain["samples"] = [
        *(
            {
                "kind": printable(each.get("kind"), KIND_MAX),
                "request": printable(each.get("request"), KIND_MAX),
                "text": printable(each.get("text")),
            }
            for each in plain["samples"]
        ),
        *({"kind": kind, "request": name, "text": text} for kind, name, text, _ in codes),
    ]
    return plain


def _rows(rows: Iterable[NameRow]) -> Iterable[dict[str, Any]]:
    for row in rows:
        plain: dict[str, Any] = to_builtins(row)
        yield {
            **plain,
            "method": printable(row.method, 20),
            "name": printable(row.name, NAME_MAX) or "-",
        }
