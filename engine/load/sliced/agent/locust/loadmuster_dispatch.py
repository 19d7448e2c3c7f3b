"""Which of the users of a whole load are played by this process, each by its number.

All processes of all injectors count the users as one Locust would that had all of them, with their
weights and fixed counts, and each takes those that are its own. So the load is divided as Locust
divides it among its workers, and nobody has to be asked.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode

ELSEWHERE = "on the other injectors"


class Owners:
    """Tells the users of one process: the next user goes to who has the least for its share."""

    def __init__(self, shares: Sequence[int], injector: int, part: int, parts: int) -> None:
        """``shares`` of all injectors, the number of this one, and the process of its ``parts``."""
        self._mine = (injector, part)
        self._parts = parts
        self._due = [(0.5 / share, number, 0) for number, share in enumerate(shares) if share]
        heapq.heapify(self._due)
        self._shares = shares
        self._owned: list[bool] = []

    def owns(self, number: int) -> bool:
        """Whether the user of that number, from 1, is played here."""
        while len(self._owned) < number:
            _, injector, count = self._due[0]
            due = (count + 1.5) / self._shares[injector]
            heapq.heapreplace(self._due, (due, injector, count + 1))
            self._owned.append((injector, count % self._parts) == self._mine)
        return self._owned[number - 1]


def shares_in(start: str) -> list[int]:
    """The injectors' shares in the text of the start file, in their order."""
    shares = []
    for line in start.splitlines()[1:]:
        low, high, _ = (int(each) for each in line.split()[1].split("-"))
        shares.append(high - low)
    return shares


def dispatcher_of(owners: Owners) -> type[UsersDispatcher]:
    """A dispatcher, as ``Environment.dispatcher_class`` takes it, that plays those users only."""

    class SliceDispatcher(UsersDispatcher):
        def __init__(self, worker_nodes: list[Any], user_classes: list[Any]) -> None:
            (here,) = worker_nodes
            elsewhere = WorkerNode(id=ELSEWHERE)
            super().__init__([here, elsewhere], user_classes)
            # Locust asks it for the next node and nothing else.
            self._worker_node_generator = self._whose(here, elsewhere)  # type: ignore[assignment]

        def _whose(self, here: Any, elsewhere: Any) -> Iterator[Any]:  # noqa: ANN401 - Locust's
            while True:
                yield here if owners.owns(len(self._active_users) + 1) else elsewhere

    return SliceDispatcher
