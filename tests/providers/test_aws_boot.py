"""The boot script: the dead man that ends a forgotten machine, and the run's own work."""

from __future__ import annotations

import email
import os
import re
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from providers.aws.boot import USER_DATA_LIMIT_BYTES, boot_script
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError
from tests.patience import PATIENCE_S

MakeSpec = Callable[..., LaunchSpec]


def parts(script: str) -> list[Message]:
    """The script as cloud-init takes it apart."""
    message = email.message_from_string(script)
    assert message.is_multipart()
    return [part for part in message.walk() if not part.is_multipart()]


def arm(script: str, folder: Path, *, systemd: bool = True) -> list[str]:
    """Run the dead man with recorders where the commands of a real machine would be."""
    for name in ("systemd-run", "shutdown"):
        works = systemd or name == "shutdown"
        (folder / name).write_text(
            f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\nexit {0 if works else 1}\n'
        )
        (folder / name).chmod(0o755)
    dead_man = parts(script)[0].get_payload()
    assert isinstance(dead_man, str)
    subprocess.run(
        ["/bin/sh", "-eu", "-c", dead_man],
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        check=True,
        timeout=PATIENCE_S,
    )
    return (folder / "calls").read_text().splitlines()


def seconds(call: str) -> int:
    found = re.fullmatch(r"systemd-run --on-active=(\d+) shutdown -h now", call)
    assert found, call
    return int(found[1])


def expiring(make_spec: MakeSpec, *, created_s: float, lifetime_s: float) -> LaunchSpec:
    created = datetime.fromtimestamp(time.time() + created_s, UTC)
    return make_spec(created_at=created, expires_at=created + timedelta(seconds=lifetime_s))


def test_the_dead_man_comes_first_and_on_every_boot(make_spec: MakeSpec) -> None:
    kinds = [part.get_content_type() for part in parts(boot_script(make_spec()))]

    assert kinds == ["text/cloud-boothook", "text/x-shellscript"]


def test_the_runs_own_script_is_unchanged(make_spec: MakeSpec) -> None:
    user_data = "#!/bin/sh\necho 'grüezi'\n--not-a-boundary\n"

    last = parts(boot_script(make_spec(user_data=user_data)))[-1]

    assert last.get_payload().rstrip("\n") == user_data.rstrip("\n")  # type: ignore[union-attr]


def test_cloud_config_is_told_as_such(make_spec: MakeSpec) -> None:
    script = boot_script(make_spec(user_data="#cloud-config\nruncmd: [true]\n"))

    assert parts(script)[-1].get_content_type() == "text/cloud-config"


def test_without_a_script_there_is_still_a_dead_man(make_spec: MakeSpec) -> None:
    assert len(parts(boot_script(make_spec(user_data="")))) == 1


def test_the_dead_man_shuts_the_machine_down_at_its_expiry(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = expiring(make_spec, created_s=-60, lifetime_s=600)

    (call,) = arm(boot_script(spec), tmp_path)

    assert 530 <= seconds(call) <= 541


def test_an_expiry_that_has_passed_ends_the_machine_at_once(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    (call,) = arm(boot_script(expiring(make_spec, created_s=-900, lifetime_s=600)), tmp_path)

    assert seconds(call) == 1


def test_no_clock_makes_a_machine_live_longer_than_it_was_meant_to(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    years_ahead = expiring(make_spec, created_s=5e7, lifetime_s=600)

    (call,) = arm(boot_script(years_ahead), tmp_path)

    assert seconds(call) == 600


def test_where_systemd_does_not_answer_the_timer_of_shutdown_stands_in(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    spec = expiring(make_spec, created_s=0, lifetime_s=601)

    calls = arm(boot_script(spec), tmp_path, systemd=False)

    assert calls[-1] == "shutdown -h +11"


def test_the_same_launch_has_the_same_script_to_the_byte(make_spec: MakeSpec) -> None:
    spec = make_spec()

    assert boot_script(spec) == boot_script(replace(spec))


def test_a_script_beyond_what_ec2_takes_is_refused(make_spec: MakeSpec) -> None:
    fits = make_spec(user_data="#!/bin/sh\n" + "#" * 15_000)
    assert len(boot_script(fits).encode()) <= USER_DATA_LIMIT_BYTES

    with pytest.raises(ConfigurationRejectedError, match="16384") as caught:
        boot_script(make_spec(user_data="#!/bin/sh\n" + "é" * 8_000))

    assert caught.value.facts["limit_bytes"] == USER_DATA_LIMIT_BYTES


@pytest.mark.parametrize("user_data", ["echo hello\n", "\n", "Content-Type: text/plain\n\nx"])
def test_a_script_of_an_unknown_kind_is_refused(make_spec: MakeSpec, user_data: str) -> None:
    with pytest.raises(ConfigurationRejectedError, match="must begin with"):
        boot_script(make_spec(user_data=user_data))


LINES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)


@given(st.lists(LINES, max_size=20))
def test_whatever_the_script_says_it_arrives_as_the_last_of_two_parts(lines: list[str]) -> None:
    now = datetime(2027, 1, 25, tzinfo=UTC)
    user_data = "\n".join(["#!/bin/sh", *lines])
    spec = LaunchSpec(
        run_id="run",
        attempt=1,
        token="token",  # noqa: S106 - an idempotency token is no secret
        region="eu-west-1",
        machine_types=["c7i.large"],
        count=1,
        min_count=1,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        owner="acme",
        user_data=user_data,
    )

    found = parts(boot_script(spec))

    assert len(found) == 2
    assert found[-1].get_payload() == user_data
