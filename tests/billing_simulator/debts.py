"""The model's money: what was collected, what runs owe, and what was paid and given back."""

from __future__ import annotations

from dataclasses import dataclass, field

UNCOLLECTED = frozenset({"declined", "delayed"})
"""The gateway was asked, and the money is not there."""


@dataclass
class Debt:
    """What a run owes.

    Attributes:
        state: ``due`` until the gateway is asked, then ``declined`` or ``delayed``.
        given: Credit that its correction gave while the bank had not answered.
    """

    usd_micros: int
    state: str = "due"
    given: int = 0


@dataclass
class Money:
    """The money of an account, and the sums that the ledger should show.

    Attributes:
        cash: Micro-dollars collected so far.
        credit: Micro-dollars that were paid for runs and returned, and are not set off yet.
        wanted: What of it is set off against a period that was not paid, once it is, by number.
        delayed: Those of them that a bank has not answered: what is wanted is kept for them.
        debts: What runs owe, by run, oldest first.
    """

    cash: int = 0
    credit: int = 0
    wanted: dict[int, int] = field(default_factory=dict)
    delayed: set[int] = field(default_factory=set)
    debts: dict[str, Debt] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """What of the credit is kept for nothing."""
        return self.credit - sum(self.wanted[n] for n in self.delayed)

    def collect(self, n: int | None, price: int, answer: str, *, sets_off: bool) -> str:
        """Credit pays first, the gateway is asked for the rest; of a period it is its number."""
        if n is not None:
            self.forget(n)
        set_off = min(self.free, price) if sets_off else 0
        answer = "accepted" if set_off == price else answer
        if answer == "accepted":
            self.credit -= set_off
            self.cash += price - set_off
        elif n is not None:
            self.wanted[n] = set_off
            if answer == "delayed":
                self.delayed.add(n)
        return answer

    def forget(self, *numbers: int) -> None:
        """Nothing is kept for these periods any more."""
        for n in numbers:
            self.wanted.pop(n, None)
            self.delayed.discard(n)

    def heard(self, n: int, price: int, answer: str) -> bool:
        """The gateway says late what became of a period's payment; whether it is paid by that."""
        wanted, is_kept = self.wanted.get(n, 0), n in self.delayed
        free = self.free + (wanted if is_kept else 0)
        if wanted > free:
            return False
        self.delayed.discard(n)
        if answer != "accepted":
            return False
        self.forget(n)
        self.credit -= wanted
        self.cash += price - wanted
        return True

    @property
    def receivable(self) -> int:
        return sum(debt.usd_micros for debt in self.debts.values())

    @property
    def uncollected(self) -> list[str]:
        """The runs whose payment the gateway refused, or has not answered for."""
        return [run for run, debt in self.debts.items() if debt.state in UNCOLLECTED]

    def owe(self, run: str, usd_micros: int) -> None:
        """A run is charged: what the account is in credit is set off, the rest is due."""
        setting_off = min(usd_micros, self.free)
        self.credit -= setting_off
        if usd_micros > setting_off:
            self.debts[run] = Debt(usd_micros - setting_off)

    def collect_due_runs(self, answer: str) -> None:
        """The gateway answers the same to everything that it was not asked for yet."""
        for run in [run for run, debt in self.debts.items() if debt.state == "due"]:
            self.answered(run, answer)

    def ask_again(self, run: str, answer: str) -> bool:
        """What a run owes is set off, or else asked for again; whether nothing is owed then."""
        debt = self.debts[run]
        if debt.state == "declined":
            set_off = min(self.free, debt.usd_micros)
            self.credit -= set_off
            self._lower(run, set_off)
        if run in self.debts:
            self.answered(run, answer)
        return run not in self.debts

    def answered(self, run: str, answer: str) -> None:
        """The gateway says what became of a run's payment."""
        if answer == "accepted":
            self.cash += self.debts.pop(run).usd_micros
            return
        debt = self.debts[run]
        debt.state = answer
        if answer == "declined":
            taken = min(debt.given, self.free, debt.usd_micros)
            self.credit -= taken
            self._lower(run, taken)
            debt.given = 0 if taken else debt.given

    def give_back(self, run: str, usd_micros: int) -> None:
        """A correction lowers what nobody paid; what may have been paid becomes credit."""
        debt = self.debts.get(run)
        if debt is not None and debt.state == "delayed":
            debt.given = usd_micros
        elif debt is not None:
            lowered = min(debt.usd_micros, usd_micros)
            self._lower(run, lowered)
            usd_micros -= lowered
        self.credit += usd_micros

    def _lower(self, run: str, usd_micros: int) -> None:
        self.debts[run].usd_micros -= usd_micros
        if not self.debts[run].usd_micros:
            del self.debts[run]
