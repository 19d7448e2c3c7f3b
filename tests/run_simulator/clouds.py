"""The clouds of one life: one, or two of which a run may leave the first for the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.run_simulator.cloud import SimulatedCloud

SHORTNESSES = (0.0, 0.5, 1.0)
REGIONS = {"aws": ("us-east-1", "eu-west-1"), "azure": ("eastus", "northeurope")}


@dataclass(frozen=True)
class Wish:
    """Which clouds the runs of a life may be in.

    Attributes:
        provider: The first choice.
        or_on: The other one, if they may leave the first.
        shortness: How often the first has no machines left, besides all that goes wrong anyway.
    """

    provider: str = "aws"
    or_on: tuple[str, ...] = ()
    shortness: float = 0.0


def wish_of(seed: int) -> Wish:
    """Drawn apart from all else, so that a life in one cloud does not depend on those in two."""
    chance = Random(f"clouds of {seed}")
    if chance.random() < 0.5:
        return Wish()
    first, other = chance.sample(["aws", "azure"], 2)
    return Wish(first, (other,), chance.choice(SHORTNESSES))


@dataclass(frozen=True)
class Clouds:
    """All clouds there are, by name."""

    by_name: Mapping[str, SimulatedCloud]

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        for cloud in self.by_name.values():
            cloud.roughness = 0.0
            cloud.shortness = 0.0

    @property
    def rough(self) -> bool:
        """Whether anything may go wrong by itself."""
        return any(cloud.roughness for cloud in self.by_name.values())

    @property
    def violations(self) -> list[str]:
        """What no caller may ever do, and one did."""
        return [each for cloud in self.by_name.values() for each in cloud.violations]

    def left(self, run_id: str) -> list[str]:
        """The run's machines that exist, shown or not."""
        return [each for cloud in self.by_name.values() for each in cloud.left(run_id)]

    def ever(self, run_id: str) -> int:
        """How many machines were ever launched for a run."""
        return sum(cloud.ever(run_id) for cloud in self.by_name.values())

    def lose_one(self, run_id: str) -> None:
        """One of the run's machines dies by itself."""
        for cloud in self.by_name.values():
            if cloud.left(run_id):
                cloud.lose_one(run_id)
                return
