"""What the users of each behaviour take of a processor: ``make behaviours``.

    python -m benchmarks.measured_behaviours [NUMBER ...]    all, or those by their place

Each is played by the agent of real injectors with two numbers of users, and what it started is
charged with its processor time: neither the target's nor a neighbour's counts. What is measured is
saved with its day and processor; ``docs/estimates.md`` shows it beside what estimates foretell.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, convert, to_builtins

from benchmarks.behaviours import BEHAVIOURS, Behaviour
from benchmarks.jmeter_home import make_home
from benchmarks.quick_target import LOOPBACK, quick_target
from engine.calibrating.fit import memory_kib_per_user
from engine.calibrating.injector import Timing, play, prepared
from engine.calibrating.session import load_engine_of, load_files, processor_name
from engine.calibrating.step import US_PER_S, CalibrationStep
from engine.calibrating.steps import CEILING_US_PER_S
from engine.readers import read_scenario
from engine.scenario import Scenario
from kernel.errors import LoadmusterError

KEPT = Path(__file__).with_name("measured_behaviours.json")
WINDOW_S = 7.0
AIM_PERCENT = 65.0
"""Of a core with the larger number of users: near the ceiling, where some users take more."""

GROWTH_MOST = 8.0
"""Twice as many at the least: two numbers tell users from the engine itself."""

GROWTH_LEAST = 2.0
FAILURES_MOST = 0.05


class MeasuredBehaviour(Struct, frozen=True):
    """What was measured of one behaviour.

    Attributes:
        name: Of the behaviour.
        engine: What played it.
        version: Of the engine.
        at: The day.
        machine: Its processor.
        processor_us_per_request: Processor time of one request at 70 % of a core.
        requests_per_million_s: Requests of one user.
        memory_kib_per_user: Memory of one user.
        steps: Users, requests a second and microseconds of processor a second that it rests on.
    """

    name: str
    engine: str
    version: str
    at: str
    machine: str
    processor_us_per_request: int
    requests_per_million_s: int
    memory_kib_per_user: int
    steps: tuple[tuple[int, int, int], ...]


class NothingMeasuredError(LoadmusterError):
    """The steps say nothing; the message says why."""

    code = "nothing_measured"


@dataclass(frozen=True, slots=True)
class Targets:
    """Where users go, and what plays JMeter's."""

    plain: str
    tls: str
    ca_pem: Path
    jmeter: Path


@contextmanager
def targets(jmeter: Path) -> Iterator[Targets]:
    """Both targets, as long as they are needed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        whole, ca_pem = certificate(folder)
        plain = stack.enter_context(quick_target())
        tls = stack.enter_context(quick_target(whole))
        yield Targets(plain, tls, ca_pem, jmeter)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A file of key and certificate for this computer, and the certificate alone."""
    key, ca_pem, whole = folder / "key.pem", folder / "ca.pem", folder / "whole.pem"
    files = ["-keyout", str(key), "-out", str(ca_pem)]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files]
    named = ["-subj", "/CN=quick-target", "-addext", f"subjectAltName=IP:{LOOPBACK}"]
    openssl = shutil.which("openssl") or "openssl"
    subprocess.run([openssl, *made, *named], check=True, capture_output=True)
    whole.write_bytes(key.read_bytes() + ca_pem.read_bytes())
    return whole, ca_pem


def scenario_of(behaviour: Behaviour, folder: Path, where: Targets | None = None) -> Scenario:
    """The behaviour as a test that an estimate is made of.

    Args:
        behaviour: What users do.
        folder: For its files.
        where: The targets; None: it is not to be played.
    """
    for name, text in behaviour.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    scheme = "https" if behaviour.tls else "http"
    target, lines = f"{scheme}://{LOOPBACK}", behaviour.lines
    if where is not None:
        target = where.tls if behaviour.tls else where.plain
        lines = lines.replace("@HOME@", str(where.jmeter))
        if behaviour.tls and "jmeter" not in lines:
            (folder / "ca.pem").write_bytes(where.ca_pem.read_bytes())
            lines += "tls: {ca: ca.pem}\n"
    load = "load: {users: 1000, duration: 10m}"
    if behaviour.iteration_s is not None:
        rate = 1_000 / behaviour.iteration_s
        stages = f"[{{jump_to: {rate:g}}}, {{hold: 10m}}]"
        stay = f"{1_000 * behaviour.iteration_s:.0f}ms"
        load = f"load: {{arrivals: {{stages: {stages}, iteration: {stay}}}}}"
    path = folder / "scenario.yaml"
    path.write_text(f"name: '{behaviour.name}'\ntarget: {target}\n{load}\n{lines}")
    return read_scenario(path)


def measured(behaviour: Behaviour, where: Targets) -> MeasuredBehaviour:
    """Play it, and see what it takes."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = scenario_of(behaviour, Path(folder), where)
        timing = Timing(behaviour.settle_s, WINDOW_S)
        with prepared(load_files(scenario, 1, timing)) as ready:
            first = play(
                ready, load_files(scenario, behaviour.users, timing), behaviour.users, timing
            )
            users = more_users(first)
            second = play(ready, load_files(scenario, users, timing), users, timing)
    if min(first.requests_per_s, second.requests_per_s) <= 0:
        raise NothingMeasuredError("the target answered nothing")
    if second.failures_per_s > FAILURES_MOST * second.requests_per_s:
        raise NothingMeasuredError("requests failed")
    return MeasuredBehaviour(
        name=behaviour.name,
        engine=behaviour.engine,
        version=load_engine_of(scenario),
        at=datetime.now(UTC).date().isoformat(),
        machine=processor_name(),
        processor_us_per_request=us_per_request(first, second),
        requests_per_million_s=round(second.requests_per_s / second.users * US_PER_S),
        memory_kib_per_user=memory_kib_per_user((first, second)),
        steps=tuple(
            (each.users, round(each.requests_per_s), each.processor_us_per_s)
            for each in (first, second)
        ),
    )


def us_per_request(first: CalibrationStep, second: CalibrationStep) -> int:
    """Processor time of a request where requests fill a core to 70 %, by the line through both.

    The line is one over requests, so that a target that is slow says nothing; what the engine
    takes without any is shared out among those that fill the core.
    """
    more = second.requests_per_s - first.requests_per_s
    each_us = (second.processor_us_per_s - first.processor_us_per_s) / more if more > 0 else 0.0
    idle_us = first.processor_us_per_s - each_us * first.requests_per_s
    if each_us <= 0 or idle_us < 0:
        return round(second.processor_us_per_s / second.requests_per_s)
    filling = (CEILING_US_PER_S - idle_us) / each_us
    return round(CEILING_US_PER_S / filling)


def more_users(first: CalibrationStep) -> int:
    """As many as take the aim by what the first took."""
    growth = AIM_PERCENT / max(first.processor_percent, 0.1)
    return round(first.users * min(GROWTH_MOST, max(GROWTH_LEAST, growth)))


def read_kept(path: Path = KEPT) -> list[MeasuredBehaviour]:
    """What was measured, in the order of the behaviours."""
    kept = convert(json.loads(path.read_text(encoding="utf-8")), list[MeasuredBehaviour])
    order = [(each.name, each.engine) for each in BEHAVIOURS]
    return sorted(kept, key=lambda each: order.index((each.name, each.engine)))


def in_words(made: MeasuredBehaviour) -> str:
    """One line."""
    pace = made.requests_per_million_s / US_PER_S
    return (
        f"{made.name}, {made.engine}: {made.processor_us_per_request:,} us a request, "
        f"{pace:.3g} a second and user, {made.memory_kib_per_user:,} KiB, {made.steps}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, save each at once."""
    parser = argparse.ArgumentParser(prog="measured_behaviours", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int)
    parser.add_argument("--jmeter", type=Path, required=True, help="its home; made if not there")
    parser.add_argument("--out", type=Path, default=KEPT)
    options = parser.parse_args(arguments)
    chosen = [BEHAVIOURS[number] for number in options.numbers] or BEHAVIOURS
    before = read_kept(options.out) if options.out.exists() else []
    kept = {(each.name, each.engine): each for each in before}
    with targets(make_home(options.jmeter.resolve())) as where:
        for each in chosen:
            try:
                made = measured(each, where)
            except LoadmusterError as error:
                print(f"{each.name}, {each.engine}: {error.message}", file=sys.stderr, flush=True)
                continue
            kept[each.name, each.engine] = made
            print(in_words(made), flush=True)
            kept_text = json.dumps([to_builtins(one) for one in kept.values()], indent=1)
            options.out.write_text(f"{kept_text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
