"""What every provider of machines keeps, whichever cloud it is."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import pytest
from msgspec.structs import replace

from providers.contract import LaunchSpec, Machine, MachineState, Provider
from providers.errors import CapacityUnavailableError, ConfigurationRejectedError


class MakeSpec(Protocol):
    def __call__(self, **changes: object) -> LaunchSpec: ...


class Ground(Protocol):
    provider: Provider
    region: str
    machine_types: tuple[str, ...]
    program: str

    def leave(self, spec: LaunchSpec, available: int, /) -> None: ...

    def wait_until_gone(self, run_id: str) -> None: ...


@pytest.fixture
def make_spec(make_spec: MakeSpec, ground: Ground) -> MakeSpec:
    """Writes a launch that the provider under test can understand."""

    def make(**changes: object) -> LaunchSpec:
        place = {"region": ground.region, "machine_types": ground.machine_types}
        return make_spec(**(place | changes))

    return make


def ids(machines: tuple[Machine, ...]) -> set[str]:
    return {machine.machine_id for machine in machines}


@contextmanager
def another_process(ground: Ground, spec: LaunchSpec, statement: str) -> Iterator[None]:
    """Another process has executed the statement and is still there; it is killed at the end."""
    program = (
        f"{ground.program}import pickle, sys, time\n"
        f"spec = pickle.loads(bytes.fromhex(sys.argv[1]))\n{statement}\n"
        "print('done', flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, pickle.dumps(spec).hex()],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            yield
        finally:
            process.kill()


def test_a_launch_gives_the_machines_that_were_asked_for(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=2, min_count=2)

    machines = ground.provider.launch(spec)

    assert len(ids(machines)) == 2
    for machine in machines:
        assert machine.run_id == spec.run_id
        assert machine.region == spec.region
        assert machine.state in {MachineState.PENDING, MachineState.RUNNING}
        assert machine.expires_at == spec.expires_at
        assert machine.launched_at.utcoffset() is not None
    assert ids(ground.provider.observe(spec.run_id, [ground.region])) == ids(machines)


def test_a_check_creates_nothing(ground: Ground, make_spec: MakeSpec) -> None:
    spec = make_spec()

    ground.provider.check(spec)

    assert ground.provider.observe(spec.run_id, [ground.region]) == ()


def test_the_same_token_twice_launches_once(ground: Ground, make_spec: MakeSpec) -> None:
    spec = make_spec()

    first = ground.provider.launch(spec)
    second = ground.provider.launch(spec)

    assert ids(first) == ids(second)
    assert ids(ground.provider.observe(spec.run_id, [ground.region])) == ids(first)


def test_the_same_token_from_two_sides_at_once_launches_once(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: ground.provider.launch(spec), range(2))

    assert ids(first) == ids(second)
    assert ids(ground.provider.observe(spec.run_id, [ground.region])) == ids(first)


def test_after_a_release_the_same_token_launches_nothing(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    ground.provider.launch(spec)
    ground.provider.release(spec.run_id, [ground.region])
    ground.wait_until_gone(spec.run_id)

    with pytest.raises(ConfigurationRejectedError, match="new token"):
        ground.provider.launch(spec)

    assert ground.provider.observe(spec.run_id, [ground.region]) == ()


def test_after_a_release_a_new_attempt_launches_again(ground: Ground, make_spec: MakeSpec) -> None:
    spec = make_spec()
    first = ground.provider.launch(spec)
    ground.provider.release(spec.run_id, [ground.region])
    ground.wait_until_gone(spec.run_id)

    second = ground.provider.launch(make_spec(run_id=spec.run_id, attempt=2))

    assert len(second) == 2
    assert not ids(first) & ids(second)


def test_observe_shows_all_machines_of_a_run_and_no_others(
    ground: Ground, make_spec: MakeSpec
) -> None:
    mine, other = make_spec(), make_spec(count=1, min_count=1)

    my_machines = ground.provider.launch(mine)
    other_machines = ground.provider.launch(other)

    assert ids(ground.provider.observe(mine.run_id, [ground.region])) == ids(my_machines)
    assert ids(ground.provider.observe(other.run_id, [ground.region])) == ids(other_machines)
    assert len(ids(my_machines) | ids(other_machines)) == 3


def test_observe_all_shows_the_machines_of_every_run(ground: Ground, make_spec: MakeSpec) -> None:
    launched = [*ground.provider.launch(make_spec()), *ground.provider.launch(make_spec())]

    seen = ground.provider.observe_all([ground.region])

    assert {(one.run_id, one.machine_id) for one in seen} >= {
        (one.run_id, one.machine_id) for one in launched
    }


def test_releasing_one_run_leaves_the_other_alone(ground: Ground, make_spec: MakeSpec) -> None:
    mine, other = make_spec(), make_spec()
    ground.provider.launch(mine)
    other_machines = ground.provider.launch(other)

    ground.provider.release(mine.run_id, [ground.region])
    ground.wait_until_gone(mine.run_id)

    assert ids(ground.provider.observe(other.run_id, [ground.region])) == ids(other_machines)


def test_releasing_twice_and_releasing_what_never_was_are_success(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    ground.provider.launch(spec)

    ground.provider.release(spec.run_id, [ground.region])
    ground.provider.release(spec.run_id, [ground.region])
    ground.wait_until_gone(spec.run_id)
    ground.provider.release(spec.run_id, [ground.region])
    ground.provider.release("run-that-never-was", [ground.region])


def test_a_launch_below_the_minimum_fails_and_leaves_none(
    scarce_ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=3, min_count=3)
    scarce_ground.leave(spec, 2)

    with pytest.raises(CapacityUnavailableError):
        scarce_ground.provider.launch(spec)

    scarce_ground.wait_until_gone(spec.run_id)


def test_a_launch_between_the_minimum_and_the_wish_is_accepted(
    scarce_ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=3, min_count=2)
    scarce_ground.leave(spec, 2)

    machines = scarce_ground.provider.launch(spec)

    assert len(machines) == 2
    assert ids(scarce_ground.provider.observe(spec.run_id, [scarce_ground.region])) == ids(machines)


def test_machines_outlive_their_killed_launcher_and_another_process_releases_them(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    with another_process(ground, spec, "provider.launch(spec)"):
        pass

    assert len(ground.provider.observe(spec.run_id, [ground.region])) == 2
    ground.provider.release(spec.run_id, [ground.region])
    ground.wait_until_gone(spec.run_id)


def test_the_token_of_a_killed_launcher_gives_its_machines(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    with another_process(ground, spec, "provider.launch(spec)"):
        pass

    assert ids(ground.provider.launch(spec)) == ids(
        ground.provider.observe(spec.run_id, [ground.region])
    )


def test_what_another_process_released_is_gone_for_everybody(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    ground.provider.launch(spec)

    with another_process(ground, spec, "provider.release(spec.run_id, [spec.region])"):
        ground.wait_until_gone(spec.run_id)


def test_a_token_counts_once_even_if_the_wish_has_changed(
    ground: Ground, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    first = ground.provider.launch(spec)

    again = ground.provider.launch(replace(spec, min_count=1))

    assert ids(again) == ids(first)
