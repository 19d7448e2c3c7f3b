"""What must hold once nothing is open: of machines, processes, books, and of each answer."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from engine.runs.model.states import Outcome, Run
from loadmuster.documents.run import run_document
from pricing.ledger.invoices import run_cause
from pricing.plans.quotes import Unit
from providers.local.processes import processes_by_machine
from tests.habits.ground import ACCOUNT, Home, Rows
from tests.habits.sessions import Manner, Screen
from tests.habits.terminals import Terminal
from tests.run_simulator.invariants import check_end, check_run

DONE, BAD_INPUT, REFUSED, PROVIDER_FAILED = 0, 2, 3, 4
NOT_VALID, CANCELLED_ELSEWHERE, INTERRUPTED = 7, 8, 130
GONE_WITHIN_S = 20.0
LOOK_S = 0.3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
BY_SIGNAL = {"SIGTERM": 143, "closed": 129, "SIGKILL": 137, "SIGINT": INTERRUPTED}
"""What a process ends with that a signal reaches before it listens, or after it has listened."""

TRACEBACK = "Traceback (most recent call last)"


class Said(Struct, frozen=True):
    """A command, what it is, and the request that it is about, if it runs something."""

    kind: str
    request: str
    terminal: Terminal


def check_said(home: Home, said: Said) -> Iterator[str]:
    """What does not hold of one answer."""
    terminal = said.terminal
    if TRACEBACK in terminal.said:
        yield f"{terminal.name} shows a traceback: {terminal.said[-1500:]}"
    allowed = _codes_of_run(home, said) if said.kind == "run" else _codes(home, said)
    if (code := as_a_shell_says(terminal.code)) not in allowed:
        yield (
            f"{terminal.name} ({' '.join(terminal.arguments)}) ended with {code} and not"
            f" with one of {sorted(allowed)}, after {terminal.done_to_it}:"
            f" {' '.join(terminal.said[-600:].split())}"
        )


def as_a_shell_says(code: int | None) -> int | None:
    """The same number, whether a signal ended a process or the process says that it did."""
    return code if code is None or code >= 0 else 128 - code


def check_home(
    home: Home, runs: Sequence[Run], before: Rows, machines: Iterable[tuple[str, bool]]
) -> Iterator[str]:
    """What does not hold of the runs, the books, and what is left."""
    for run in runs:
        check = check_end if home.session.rehearsed else check_run
        for each in check(home.engine, run):
            yield f"{run.id} ({run.outcome or run.state}) {each}"
        yield from _check_log(home, run)
    yield from _check_books(home, runs, before)
    own = {run.id for run in runs}
    for run_id, is_there in machines:
        if is_there and run_id in own:
            yield f"a machine is left of {run_id}"
    for identity in processes_by_machine(home.folder):
        yield f"a machine is left here: {identity}"
    for process in _left_processes(home):
        yield f"a process is left: {process}"


def _check_books(home: Home, runs: Sequence[Run], before: Rows) -> Iterator[str]:
    transactions = home.engine.reports.ledger(ACCOUNT)
    for each in transactions:
        sums: Counter[Unit] = Counter()
        for posting in each.postings:
            sums[posting.unit] += posting.amount
        if any(sums.values()):
            yield f"{each.natural_key} does not balance: {dict(sums)}"
    causes = {run_cause(run.id) for run in runs}
    strange = {each.cause for each in transactions if each.cause.startswith("run:")} - causes
    for cause in sorted(strange):
        yield f"{cause} is in the books and not on record"
    if home.session.rehearsed:
        after = home.money()
        changed = [table for table in before if after[table] != before[table]]
        if changed:
            yield f"rehearsals changed {', '.join(changed)}"
        return
    for run in runs:
        bill = home.engine.runs.show(run.id).bill
        invoiced = sum(
            each.usd_micros
            for each in home.engine.reports.invoices(ACCOUNT)
            if each.cause == run_cause(run.id)
        )
        owed = bill.total if bill is not None and bill.unit is Unit.USD else 0
        if invoiced != owed:
            yield f"{run.id} is invoiced {invoiced} and billed {owed}"


def _check_log(home: Home, run: Run) -> Iterator[str]:
    """Of a controller that nobody sees."""
    log = home.folder / "books.db.runs" / run.id / "controller.log"
    if log.exists() and TRACEBACK in (said := log.read_text(errors="replace")):
        yield f"{run.id}: its controller's log has a traceback: {said[-1500:]}"


def _left_processes(home: Home) -> Sequence[str]:
    """Those that have to do with a home and do not go within a while."""
    deadline_s = time.monotonic() + GONE_WITHIN_S
    while (left := _processes_of(home)) and time.monotonic() < deadline_s:
        time.sleep(LOOK_S)
    return left


def _processes_of(home: Home) -> Sequence[str]:
    found = []
    for pid in filter(str.isdigit, [each.name for each in Path("/proc").iterdir()]):
        # It may end while it is looked at.
        with suppress(OSError):
            if _is_younger(pid, home.began_s) and _has_to_do_with(pid, str(home.folder)):
                words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                found.append(f"{pid} {words.replace(chr(0), ' ').strip()}")
    return found


def _is_younger(pid: str, began_s: float) -> bool:
    """Whether it is alive, and was started after that; most were not, so this comes first."""
    after_its_name = (
        Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    )
    state, started_ticks = after_its_name[0], int(after_its_name[19])
    return state != "Z" and started_ticks / TICKS_PER_S >= began_s - 1


def _has_to_do_with(pid: str, folder: str) -> bool:
    here = Path(f"/proc/{pid}")
    told = (here / "cmdline").read_bytes() + (here / "environ").read_bytes()
    links = [here / "cwd", *(here / "fd").iterdir()]
    return f"{folder}/".encode() in told or any(
        f"{link.readlink()}/".startswith(f"{folder}/") for link in links
    )


def _codes(home: Home, said: Said) -> set[int]:
    """How a command of a second shell may end."""
    short = {BAD_INPUT} if home.small_disk else set()
    match said.kind:
        case "look at another time":
            return {DONE, REFUSED} | short
        case "change at another time":
            return {REFUSED} | short
        case "watch":
            ends = {DONE, PROVIDER_FAILED, NOT_VALID, CANCELLED_ELSEWHERE, INTERRUPTED}
            return ends | short | _by_signal(said.terminal)
        case "serve":
            return {DONE} | short | _by_signal(said.terminal)
        case _:
            return {DONE} | short


def _codes_of_run(home: Home, said: Said) -> set[int]:
    """How ``run`` may end, by what was done to it and what is on record of its run."""
    run, terminal = home.recorded(said.request), said.terminal
    done = terminal.done_to_it
    codes = {BY_SIGNAL["SIGKILL"]} if "SIGKILL" in done else set()
    if home.small_disk:
        codes |= {BAD_INPUT, PROVIDER_FAILED}
    by_itself = _by_signal(terminal)
    if run is None:
        return codes | by_itself | _codes_of_nothing(home, terminal)
    if home.session.manner is not Manner.HERE and terminal.name.startswith("0 "):
        # Told to end before its controller was at work, it says so, and the run goes on.
        return codes | by_itself | {DONE}
    match run.outcome:
        case Outcome.COMPLETED:
            result = run_document(home.engine.runs.show(run.id))["result"]
            valid = result is None or result["valid"]
            return codes | by_itself | {DONE if valid else NOT_VALID}
        case Outcome.CANCELLED:
            interrupted = {INTERRUPTED} if "SIGINT" in done else set()
            return codes | interrupted | {CANCELLED_ELSEWHERE}
        case Outcome.FAILED:
            return codes | by_itself | {PROVIDER_FAILED}
        case _:
            return codes


def _by_signal(terminal: Terminal) -> set[int]:
    return {BY_SIGNAL[each] for each in terminal.done_to_it if each in BY_SIGNAL}


def _codes_of_nothing(home: Home, terminal: Terminal) -> set[int]:
    """Of a command that started no run."""
    if terminal.screen is Screen.TERMINAL and home.session.answer == "n\n":
        return {DONE}
    if terminal.screen is Screen.TERMINAL and home.session.answer == "\x04":
        return {INTERRUPTED}
    return set()
