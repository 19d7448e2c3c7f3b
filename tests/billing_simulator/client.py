"""The client of one account: it sends commands through all that can go wrong on the way.

A command whose process died is sent again under the same request id, later and to another process.
Some are sent once more although they were answered, and some ids are used again for something
else. After each, the books must be as if every command had happened exactly once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Engine

from engine.database import reading, transaction
from kernel.errors import LoadmusterError, RequestConflictError
from pricing.accounts.advance import advance
from pricing.accounts.view import account_view
from pricing.payments.gateway import REHEARSED_GATEWAY
from tests.billing_simulator.books import (
    differences,
    heads,
    lot_differences,
    mark,
    written_to_others,
)
from tests.billing_simulator.commands import Command, Desk
from tests.billing_simulator.crashes import Crashes, SimulatedCrashError, Where
from tests.billing_simulator.model import Account

CRASH_RATE = 0.15
REPEAT_RATE = 0.12
CONFLICT_RATE = 0.04
ATTEMPTS_MAX = 4
"""The last attempt never dies."""
VIOLATIONS_MAX = 5
"""After so many, an account's life goes no further: its model no longer follows."""


@dataclass(frozen=True)
class Rates:
    """How often something goes wrong, per command."""

    crash: float = CRASH_RATE
    repeat: float = REPEAT_RATE
    conflict: float = CONFLICT_RATE


@dataclass
class Tally:
    """What was done to an account and what came of it."""

    commands: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class Client:
    """One account's client, and the model that it holds the books against."""

    db: Engine
    crashes: Crashes
    account_id: str
    model: Account
    random: Random
    rates: Rates = Rates()
    tally: Tally = field(default_factory=Tally)
    step: int = 0
    is_open: bool = False
    used_ids: list[str] = field(default_factory=list)
    _statements: dict[str, int] = field(default_factory=dict)
    _trace: list[str] = field(default_factory=list)

    @property
    def trace(self) -> str:
        """A digest of all that was asked and answered."""
        return hashlib.sha256("\n".join(self._trace).encode()).hexdigest()

    def send(self, command: Command, now: datetime) -> datetime:
        """Send a command until it is answered, then hold the books against the model.

        Returns:
            When the last attempt was made.
        """
        self.step += 1
        self.tally.commands[command.kind] += 1
        done_at: datetime | None = None
        at = now
        for attempt in range(ATTEMPTS_MAX):
            committed = False
            self._arm(command.kind, is_last=attempt == ATTEMPTS_MAX - 1)
            try:
                with transaction(self.db) as conn:
                    before = heads(conn)
                    answer = command.do(conn, at)
                    strangers = written_to_others(conn, self.account_id, before)
                self._statements[command.kind] = self.crashes.statements
                committed = True
                self.crashes.after_commit()
            except SimulatedCrashError as crash:
                self.tally.faults[f"crash {crash}"] += 1
                if committed and done_at is None:
                    done_at = at
                at += timedelta(seconds=self.random.randint(1, 90))
                continue
            except LoadmusterError as refusal:
                self.crashes.arm(None)
                self._refused(command, refusal, at, was_done=done_at is not None)
                return at
            self.crashes.arm(None)
            if strangers:
                self.violation(command, f"I15: wrote {strangers} rows into other books")
            self._accepted(command, done_at or at, at)
            self._repeat(command, answer, at)
            return at
        raise AssertionError("the last attempt is always answered")

    def violation(self, command: Command | None, what: str) -> None:
        """Something that must never be; with what replays it."""
        where = f"{command.kind} {command.content}" if command else "the whole"
        self.tally.violations.append(f"{self.account_id} step {self.step} ({where}): {what}")

    def _arm(self, kind: str, *, is_last: bool) -> None:
        """Choose where this attempt dies: anywhere between two of its statements."""
        if is_last or self.random.random() >= self.rates.crash:
            self.crashes.arm(None)
            return
        known = self._statements.get(kind, 20)
        (where,) = self.random.choices(list(Where), [4, 1, 1])
        self.crashes.arm(where, self.random.randint(0, known))

    def _accepted(self, command: Command, done_at: datetime, at: datetime) -> None:
        self.model.advance(done_at)
        if command.foreseen is not None and not command.foreseen(self.model, done_at):
            self.violation(command, "accepted, and the model would refuse it")
        if command.barred(self.model):
            self.violation(command, "sold for money, and something has not been paid")
        command.effect(self.model, done_at)
        # An answer that got lost was asked for again later: the books were advanced once more.
        if at > done_at:
            self.model.advance(at)
        self.is_open = True
        if command.request_id is not None:
            self.used_ids.append(command.request_id)
        self._note(f"{self.step} {at} {command.kind} {command.content}: accepted")
        self.compare(command)

    def _refused(
        self, command: Command, refusal: LoadmusterError, at: datetime, *, was_done: bool
    ) -> None:
        """A refusal changes nothing (I13), and whoever has been accepted is not refused later."""
        self.tally.refusals[refusal.code] += 1
        self._note(f"{self.step} {at} {command.kind} {command.content}: {refusal.code}")
        if was_done:
            self.violation(command, f"done, and refused when sent again: {refusal}")
        if refusal.exit_code != 3:
            self.violation(command, f"neither done nor refused: {refusal.code}: {refusal}")
        if not self.is_open:
            return
        with transaction(self.db) as conn:
            advance(conn, self.account_id, at, gateway=REHEARSED_GATEWAY)
        self.model.advance(at)
        if command.foreseen is not None and command.foreseen(self.model, at):
            self.violation(command, f"refused, and the model would accept it: {refusal}")
        self.compare(command)

    def _repeat(self, command: Command, answer: object, at: datetime) -> None:
        """The same once more, and the same id for something else: neither changes anything."""
        repeats = self.random.random() < self.rates.repeat
        conflicts = self.random.random() < self.rates.conflict and bool(self.used_ids)
        if not (repeats or conflicts):
            return
        with transaction(self.db) as conn:
            view = account_view(conn, self.account_id, at, gateway=REHEARSED_GATEWAY)
            before = mark(conn, self.account_id)
        self.model.advance(at)
        if repeats:
            self.tally.faults["sent twice"] += 1
            try:
                with transaction(self.db) as conn:
                    again = (
                        command.do(conn, at),
                        account_view(conn, self.account_id, at, gateway=REHEARSED_GATEWAY),
                    )
            except LoadmusterError as refusal:
                self.violation(command, f"I7: refused when sent twice: {refusal}")
            else:
                if again != (answer, view):
                    self.violation(command, "I7: answered differently when sent twice")
        if conflicts:
            self.tally.faults["id used again"] += 1
            self._send_conflict(command, at)
        with reading(self.db) as conn:
            if mark(conn, self.account_id) != before:
                self.violation(command, "I7: sent twice, done twice")

    def _send_conflict(self, command: Command, at: datetime) -> None:
        used = self.random.choice(self.used_ids)
        other = Desk(self.account_id, used).set_card("tok_of_nobody")
        try:
            with transaction(self.db) as conn:
                other.do(conn, at)
        except RequestConflictError:
            return
        except LoadmusterError as refusal:
            self.violation(command, f"id {used} used again: {refusal.code} is no conflict")
        else:
            self.violation(command, f"id {used} used again for something else, and it was done")

    def compare(self, command: Command | None) -> None:
        """Hold the books against the model."""
        with reading(self.db) as conn:
            found = differences(conn, self.account_id, self.model)
            found += lot_differences(conn, self.account_id, self.model)
        for each in found:
            self.violation(command, each)

    def _note(self, line: str) -> None:
        self._trace.append(line)
