"""The cap under which the contract is held on a real account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import RefusedError
from providers.contract import LaunchSpec
from tests.real_clouds import REAL_CLOUDS, Cap, cap_of

MakeSpec = Callable[..., LaunchSpec]


@pytest.fixture(params=list(REAL_CLOUDS))
def cloud(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def small(make_spec: MakeSpec, cloud: str) -> Callable[..., LaunchSpec]:
    """A launch that a real account may see."""
    types = REAL_CLOUDS[cloud].machine_types[:1]
    return lambda **changes: make_spec(**{"machine_types": types, **changes})


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        # Ten minutes of the dearest type (3 to 5 cents an hour), a disk and an address, twice.
        ("real-AWS", 2 * (30_000 + 5_000) // 6, 2 * (50_000 + 8_000) // 6),
        # Forty minutes of the dearest (1.2 cents), a disk (0.3 cents) and an address, twice.
        ("real-Azure", 2 * 20_000 * 2 // 3, 2 * 21_000 * 2 // 3),
    ],
)
def test_a_launch_is_counted_at_the_most_that_it_can_cost(
    name: str, least: int, most: int, make_spec: MakeSpec
) -> None:
    cap = cap_of(name, "1.00")

    cap.admit(make_spec(count=2, machine_types=REAL_CLOUDS[name].machine_types))

    assert least < cap.spent_usd_micros < most


def test_a_launch_above_the_cap_is_refused_with_its_numbers(cloud: str, small: MakeSpec) -> None:
    cap = Cap(REAL_CLOUDS[cloud], 3 * cap_of(cloud, "0").machine_usd_micros)
    cap.admit(small(count=2))

    with pytest.raises(RefusedError, match=r"LOADMUSTER_CLOUD_TEST_MAX_USD: 0\.0\d USD do not"):
        cap.admit(small(count=2))
    with pytest.raises(RefusedError):
        cap_of(cloud, "0").admit(small(count=1))


@pytest.mark.parametrize(
    "change", [{"count": 3}, {"machine_types": ("t4g.nano", "c7i.large")}, {"expires_at": None}]
)
def test_a_launch_that_is_too_big_or_too_long_is_refused_whatever_the_cap(
    cloud: str, small: MakeSpec, change: dict[str, Any]
) -> None:
    if "expires_at" in change:
        longest = REAL_CLOUDS[cloud].lifetime
        change = {"expires_at": small().created_at + longest + timedelta(seconds=1)}

    with pytest.raises(RefusedError, match="not on a real account"):
        cap_of(cloud, "1000").admit(small(**change))
