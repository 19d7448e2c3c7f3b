"""What every real cloud is asked before a run, whatever its name."""

from __future__ import annotations

import pytest

from engine.runs.clouds.azure import AZURE_LIMITS
from engine.runs.clouds.contract import check_lifetime
from kernel.errors import BadInputError
from kernel.extras import check_installed

WEEK_S = 7 * 24 * 3_600.0


@pytest.mark.parametrize("module", ["no_such_cloud", "no_such_cloud.mgmt.compute"])
def test_an_sdk_that_is_not_there_is_refused_with_how_to_install_it(module: str) -> None:
    with pytest.raises(BadInputError, match=r"pip install 'loadmuster\[azure\]'"):
        check_installed("the SDK of Azure", module, "azure")


def test_an_sdk_that_is_there_is_no_news() -> None:
    check_installed("this computer", "json", "none")


def test_a_load_may_take_what_the_phases_around_it_leave_of_the_signature() -> None:
    longest_s = WEEK_S - AZURE_LIMITS.lifetime_with_s(0.0)

    check_lifetime(AZURE_LIMITS, longest_s, WEEK_S)
    with pytest.raises(BadInputError) as caught:
        check_lifetime(AZURE_LIMITS, longest_s + 1.0, WEEK_S)

    assert caught.value.facts == {"load_s": int(longest_s + 1), "load_s_max": int(longest_s)}
