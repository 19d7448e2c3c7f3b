"""Where a run's machines come from: its clouds, the load its machines put on, and its pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import fields

from engine.load.driver import LoadDriver
from engine.runs.model.states import Limits, Run
from kernel.errors import ProviderFailedError
from providers.contract import LaunchSpec, Machine, Provider, in_order

OpenProvider = Callable[[str], Provider]
"""The machines of a cloud, by its name."""


def widest(limits: Sequence[Limits]) -> Limits:
    """Each bound as wide as the widest: a run is as slow as the slowest cloud it may go to."""
    names = [each.name for each in fields(Limits)]
    return Limits(**{name: max(getattr(each, name) for each in limits) for name in names})


def _no_other(name: str) -> Provider:
    raise AssertionError(f"no run goes from here to {name}")


class Cloud(Struct, frozen=True):
    """All that the controller needs to act for one run.

    Attributes:
        provider: Machines of the cloud that the run was accepted for.
        driver: The load. Injectors of whichever cloud meet in the storage of the first, by
            addresses that are signed for them.
        limits: How long each phase may take.
        other: Machines of another cloud; called once the run has gone there.
        about_injectors: What is to be known of how they reach the target; empty: nothing.
    """

    provider: Provider
    driver: LoadDriver
    limits: Limits
    other: OpenProvider = _no_other
    about_injectors: str = ""

    def launch(self, run: Run, spec: LaunchSpec) -> tuple[Machine, ...]:
        """Send a create call of the run to the cloud that has its region; errors are that one's."""
        return self._at(run, run.provider_of(spec.region)).launch(spec)

    def observe(self, run: Run) -> tuple[Machine, ...]:
        """All machines of the run that are not gone, in every cloud that it went to.

        Raises:
            ProviderFailedError: A cloud does not answer; then nothing is known.
        """
        return in_order(
            machine
            for name, regions in run.places.items()
            for machine in self._at(run, name).observe(run.id, regions)
        )

    def release(self, run: Run) -> None:
        """Ask every cloud that the run went to for the end of its machines.

        Raises:
            ProviderFailedError: A cloud refused or did not answer; the others were asked too.
        """
        failure: ProviderFailedError | None = None
        for name, regions in run.places.items():
            try:
                self._at(run, name).release(run.id, regions)
            except ProviderFailedError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _at(self, run: Run, name: str) -> Provider:
        return self.provider if name == run.order.provider else self.other(name)


OpenCloud = Callable[[Run], Cloud]
"""Connects to the clouds of a run; also for a run that another process began."""
