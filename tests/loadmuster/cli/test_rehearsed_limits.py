"""What a real cloud would refuse whatever the account has, its rehearsal refuses too."""

from __future__ import annotations

from pathlib import Path
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


TARGETLESS = """
name: nowhere
protocol: http
load: {users: 3, duration: 2s}
user_classes:
  - name: visitor
    requests: [{method: GET, path: /}]
"""


@pytest.mark.promise("rehearsal-has-real-limits", command="run", provider=("aws", "azure"))
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_rehearsal_says_what_a_real_run_would_be_refused_for(
    cloud: str, acme: CommandLine, tmp_path: Path
) -> None:
    scenario = tmp_path / "nowhere.yaml"
    scenario.write_text(TARGETLESS, encoding="utf-8")
    wish = ("run", str(scenario), "--account", "acme", "--provider", cloud, "--dry-run")
    rehearsed = acme.here(*wish, "--yes")
    assert rehearsed.code == 0, rehearsed.err
    assert "A real run would be refused: target:" in rehearsed.out

    scenario.write_text(f"{TARGETLESS}target: https://shop.example.com\n", encoding="utf-8")
    run = acme.here(*wish, "--json").json
    assert run["real_run_refused_because"].startswith("account acme may not load shop.example.com")

    acme.here("account", "allow-target", "acme", "shop.example.com")
    assert acme.here("--json", "show", run["id"]).json["real_run_refused_because"] is None
