"""What estimates foretell of each behaviour, beside what was measured of it.

    python -m benchmarks.foretold    puts the table into docs/estimates.md

Foretold is from published figures alone, as for a test that was never calibrated: users on a
standard injector at 70 % of its processor, and the range that they lie in.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from benchmarks.behaviours import BEHAVIOURS
from benchmarks.measured_behaviours import MeasuredBehaviour, read_kept, scenario_of
from engine.planning.capacity import STANDARD_INJECTOR, capacity_of
from engine.planning.requirement import require

PAGE = Path(__file__).resolve().parent.parent / "docs" / "estimates.md"
BEGIN, END = "<!-- behaviours:begin -->", "<!-- behaviours:end -->"


@dataclass(frozen=True, slots=True)
class Foretold:
    """Users on a standard injector, by the estimate and by what was measured.

    Attributes:
        name: What the users do.
        engine: What plays them.
        low, expected, high: Foretold.
        measured: By the processor time and the memory that were measured.
        processor_us_per_request: Measured.
    """

    name: str
    engine: str
    low: int
    expected: int
    high: int
    measured: int
    processor_us_per_request: int

    @property
    def holds(self) -> bool:
        """Whether the measured number lies in the range."""
        return self.low <= self.measured <= self.high


def foretold(kept: Sequence[MeasuredBehaviour] | None = None) -> Iterator[Foretold]:
    """Every behaviour that was measured, in their order."""
    measured = {(each.name, each.engine): each for each in (read_kept() if kept is None else kept)}
    for behaviour in BEHAVIOURS:
        found = measured.get((behaviour.name, behaviour.engine))
        if found is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            required = require(scenario_of(behaviour, Path(folder)))
        taken = replace(
            required.demand,
            payload=None,
            users_per_process=None,
            processor_us_per_request=found.processor_us_per_request,
            memory_kib_per_user=found.memory_kib_per_user,
            # What was assumed of the answers is no bound of what was measured.
            response_bytes=0,
        )
        yield Foretold(
            name=behaviour.name,
            engine=behaviour.engine,
            low=required.at_most.users_per_injector,
            expected=required.users_per_injector,
            high=required.at_least.users_per_injector,
            measured=capacity_of(STANDARD_INJECTOR, taken).users,
            processor_us_per_request=found.processor_us_per_request,
        )


def table(rows: Sequence[Foretold], kept: Sequence[MeasuredBehaviour]) -> str:
    """In Markdown, with how many ranges hold."""
    head = (
        "| what users do | with | low | expected | high | measured | us a request | range |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    )
    lines = [
        f"| {each.name} | {each.engine} | {each.low:,} | {each.expected:,} | {each.high:,} "
        f"| {each.measured:,} | {each.processor_us_per_request:,} "
        f"| {'holds' if each.holds else '**missed**'} |"
        for each in rows
    ]
    days, machines = sorted({each.at for each in kept}), sorted({each.machine for each in kept})
    held = sum(each.holds for each in rows)
    closing = (
        f"{held} of {len(rows)} ranges hold. Measured on {', '.join(days)}, "
        f"{'; '.join(machines)}, one core for the load engine."
    )
    return "\n".join([*head, *lines, "", closing])


def page_with(text: str, made: str) -> str:
    """The page with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    """Write the page."""
    kept = read_kept()
    made = table(list(foretold(kept)), kept)
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(made)


if __name__ == "__main__":
    main()
