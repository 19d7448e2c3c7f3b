"""What a real cloud would refuse whatever the account has, its rehearsal refuses too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.clouds import CLOUDS
from tests.loadmuster.cli.test_run_command import refused

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine


@pytest.mark.promise("rehearsal-has-real-limits", command="run", provider=("aws", "azure"))
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("pace", [(), ("--speed", "86400"), ("--or-on",)], ids=str)
def test_a_load_that_is_too_long_for_a_cloud_is_refused_in_its_rehearsal(
    cloud: str, pace: tuple[str, ...], acme: CommandLine
) -> None:
    if pace == ("--or-on",):
        pace = (*pace, next(name for name in CLOUDS if name != cloud))
    wish = ("run", "examples/checkout.yaml", "--duration", "8d", "--account", "acme")
    answer = acme.here(*wish, "--provider", cloud, "--dry-run", *pace)
    refused(answer, 2, "the load takes 192.0 hours", "are signed for 16", "make it shorter")
    assert acme.here("--json", "runs").json == {"runs": []}
