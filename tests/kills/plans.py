"""What happens to whom and when: drawn from a seed, in parts of a life."""

from __future__ import annotations

import random

from msgspec import Struct

BATCH = 20
TO_ITS_END = float("inf")
"""In place of an instant: that process is left alone."""

START_UP = 0.2
"""Parts of a life below it lie before its run is on record; the others are after that."""

PLANS = ("on-demand", "starter")
REGIONS = ("us-east-1", "eu-west-1")
SAID_AGAIN = 0.4
KILLED_AGAIN = 0.6
INTERRUPTED = 0.2
COLD = 0.25
SERVES_KILLED_MAX = 2


class Pace(Struct, frozen=True):
    """How long an undisturbed life takes now.

    Attributes:
        start_up_s: Until its run is on record.
        rest_s: From then until its process has ended.
    """

    start_up_s: float
    rest_s: float

    def before_record_s(self, part: float) -> float | None:
        """How long after its start that part of a life is; None: it is after the start-up."""
        return part / START_UP * self.start_up_s if part < START_UP else None

    def after_record_s(self, part: float) -> float:
        """How long after its run is on record that part of a life is."""
        return (part - START_UP) / (1 - START_UP) * self.rest_s

    def after_start_s(self, part: float) -> float:
        """How long after its start that part of a life is, of a process that finds its run."""
        before_s = self.before_record_s(part)
        return self.start_up_s + self.after_record_s(part) if before_s is None else before_s


class Life(Struct, frozen=True):
    """One run, by the processes that a user starts for it one after the other.

    Attributes:
        request_id: Under which each of them says the same.
        regions: Where its machines are wanted.
        kills: When each of the processes is killed, in parts of a life from its start.
        interrupt: When the first of them gets Ctrl-C, likewise; None: never.
        warm: They are forked from a process that has imported the command line.
    """

    request_id: str
    regions: tuple[str, ...]
    kills: tuple[float, ...]
    interrupt: float | None = None
    warm: bool = False


class Batch(Struct, frozen=True):
    """Lives side by side on one account, and who finishes what they leave.

    Attributes:
        account: Its id.
        plan: What it has subscribed to.
        lives: The first two are left alone, to see how long a cold and a warm life are now.
        serves: When each ``loadmuster serve`` is killed, in parts of a life; one more finishes.
    """

    account: str
    plan: str
    lives: tuple[Life, ...]
    serves: tuple[float, ...]


def batch_of(seed: int, first: int, size: int = BATCH) -> Batch:
    """The lives ``first`` and the following, which are the same in whatever batch they are."""
    chance = random.Random(f"{seed}/batch/{first}")
    name = f"kills-{seed}-before-{first}"
    return Batch(
        account=f"kills-{seed}-{first}",
        plan=chance.choice(PLANS),
        lives=(
            *left_alone(name),
            *(_life(seed, number) for number in range(first, first + size)),
        ),
        serves=tuple(chance.random() for _ in range(chance.randint(0, SERVES_KILLED_MAX))),
    )


def left_alone(name: str) -> tuple[Life, Life]:
    """A cold and a warm life that nobody disturbs."""
    return (
        Life(f"{name}-cold", REGIONS, (TO_ITS_END,)),
        Life(f"{name}-warm", REGIONS, (TO_ITS_END,), warm=True),
    )


def _life(seed: int, number: int) -> Life:
    chance = random.Random(f"{seed}/{number}")
    kills = [chance.random()]
    if chance.random() < SAID_AGAIN:
        kills.append(chance.random() if chance.random() < KILLED_AGAIN else TO_ITS_END)
    interrupted = chance.random() < INTERRUPTED
    return Life(
        request_id=f"kills-{seed}-{number}",
        regions=REGIONS[: chance.randint(1, len(REGIONS))],
        kills=tuple(kills),
        interrupt=chance.uniform(0.0, kills[0]) if interrupted else None,
        warm=chance.random() >= COLD,
    )
