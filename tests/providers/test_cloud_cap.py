"""The cap under which the contract is held on a real account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import RefusedError
from providers.contract import LaunchSpec

MakeSpec = Callable[..., LaunchSpec]
MakeCap = Callable[[str], Any]


@pytest.fixture
def small(make_spec: MakeSpec) -> Callable[..., LaunchSpec]:
    """A launch that a real account may see."""
    return lambda **changes: make_spec(**{"machine_types": ("t4g.nano",), **changes})


def test_a_launch_is_counted_at_the_most_that_it_can_cost(
    make_cap: MakeCap, small: MakeSpec
) -> None:
    cap = make_cap("1.00")

    cap.admit(small(count=2))

    # Ten minutes of the dearest type (3 to 5 cents an hour), a disk and an address, twice.
    assert 2 * (30_000 + 5_000) // 6 < cap.spent_usd_micros < 2 * (50_000 + 8_000) // 6


def test_a_launch_above_the_cap_is_refused_with_its_numbers(
    make_cap: MakeCap, small: MakeSpec
) -> None:
    cap = make_cap("0.02")
    cap.admit(small(count=2))

    with pytest.raises(RefusedError, match=r"LOADMUSTER_CLOUD_TEST_MAX_USD: 0\.02 USD do not"):
        cap.admit(small(count=2))
    with pytest.raises(RefusedError):
        make_cap("0").admit(small(count=1))


@pytest.mark.parametrize(
    "change", [{"count": 3}, {"machine_types": ("t4g.nano", "c7i.large")}, {"expires_at": None}]
)
def test_a_launch_that_is_too_big_or_too_long_is_refused_whatever_the_cap(
    make_cap: MakeCap, small: MakeSpec, change: dict[str, Any]
) -> None:
    if "expires_at" in change:
        change = {"expires_at": small().created_at + timedelta(minutes=10, seconds=1)}

    with pytest.raises(RefusedError, match="not on a real account"):
        make_cap("1000").admit(small(**change))
