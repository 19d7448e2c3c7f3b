"""The boot script on Azure: a dead man that deletes its own run, and the run's own work."""

from __future__ import annotations

import base64
import email
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from kernel.clock import ManualClock
from providers.azure import Connection
from providers.azure.boot import CUSTOM_DATA_LIMIT_BYTES, boot_script, custom_data
from providers.azure.names import run_group
from providers.azure.roles import DEAD_MAN, action_of
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError
from providers.rehearsal.azure_account import SUBSCRIPTION, TOKEN
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import RehearsedCredential, azure_provider_in_process
from tests.patience import PATIENCE_S

MakeSpec = Callable[..., LaunchSpec]
IDENTITY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ids/providers/Microsoft.ManagedIdentity"
WITHOUT = Connection(SUBSCRIPTION, RehearsedCredential())
WITH = replace(WITHOUT, identity_id=IDENTITY, identity_client_id="client-1")


def parts(script: str) -> list[Message]:
    """The script as cloud-init takes it apart."""
    message = email.message_from_string(script)
    assert message.is_multipart()
    return [part for part in message.walk() if not part.is_multipart()]


class Sandbox:
    """A machine whose commands are recorders, and whose /run is a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = folder / "calls"
        self._calls.touch()
        self.command("shutdown")
        self.command("sleep")
        self.command("systemd-run")

    def command(self, name: str, does: str = "exit 0") -> None:
        """From now on this command notes its words, one call a line, and does something."""
        path = self._folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._calls}\n{does}\n')
        path.chmod(0o755)

    def run(self, script: str) -> list[str]:
        """Run a script; the calls since the last time."""
        self._calls.write_text("")
        subprocess.run(
            ["/bin/sh", "-u", "-c", script.replace("/run/", f"{self._folder}/")],
            env={"PATH": f"{self._folder}:{os.environ['PATH']}"},
            check=True,
            timeout=PATIENCE_S,
        )
        return self._calls.read_text().splitlines()

    def dead_man(self) -> str:
        """What was armed."""
        return (self._folder / "loadmuster-dead-man").read_text()


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """A machine on which everything works, with curl that says nothing."""
    sandbox = Sandbox(tmp_path)
    sandbox.command("curl", "exit 7")
    return sandbox


def hook(script: str) -> str:
    first = parts(script)[0]
    assert first.get_content_type() == "text/cloud-boothook"
    payload = first.get_payload()
    assert isinstance(payload, str)
    return payload


def seconds(call: str) -> int:
    found = re.fullmatch(r"systemd-run --on-active=(\d+) /bin/sh \S+/loadmuster-dead-man", call)
    assert found, call
    return int(found[1])


def expiring(make_spec: MakeSpec, *, created_s: float, lifetime_s: float) -> LaunchSpec:
    created = datetime.fromtimestamp(time.time() + created_s, UTC)
    return make_spec(created_at=created, expires_at=created + timedelta(seconds=lifetime_s))


def test_the_dead_man_comes_first_and_the_runs_own_script_is_unchanged(
    make_azure_spec: MakeSpec,
) -> None:
    user_data = "#!/bin/sh\necho 'grüezi'\n--not-a-boundary\n"
    found = parts(boot_script(make_azure_spec(user_data=user_data), WITH))

    kinds = [part.get_content_type() for part in found]
    assert kinds == ["text/cloud-boothook", "text/x-shellscript"]
    assert found[-1].get_payload().rstrip("\n") == user_data.rstrip("\n")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("created_s", "lifetime_s", "least", "most"),
    [(-60, 600, 530, 541), (-900, 600, 1, 1), (5e7, 600, 600, 600)],
    ids=["in time", "past", "a wrong clock"],
)
def test_the_dead_man_strikes_at_the_expiry_and_never_later_than_a_lifetime(
    created_s: float,
    lifetime_s: float,
    least: int,
    most: int,
    make_azure_spec: MakeSpec,
    sandbox: Sandbox,
) -> None:
    spec = expiring(make_azure_spec, created_s=created_s, lifetime_s=lifetime_s)

    (call,) = sandbox.run(hook(boot_script(spec, WITH)))

    assert least <= seconds(call) <= most


def test_where_systemd_does_not_answer_a_shell_waits_in_its_place(
    make_azure_spec: MakeSpec, sandbox: Sandbox
) -> None:
    sandbox.command("systemd-run", "exit 1")
    spec = expiring(make_azure_spec, created_s=0, lifetime_s=601)

    tried, waited, ended = sandbox.run(f"{hook(boot_script(spec, WITHOUT))}\nwait\n")

    assert tried.startswith("systemd-run")
    assert 590 <= int(waited.removeprefix("sleep ")) <= 601
    assert ended == "shutdown -h now"


def test_at_the_expiry_the_machine_deletes_its_run_as_its_own_identity(
    make_azure_spec: MakeSpec, sandbox: Sandbox, arm: RehearsedArm, manual_clock: ManualClock
) -> None:
    """What the script asks for is put to the rehearsed Azure, and the run is gone."""
    azure = azure_provider_in_process(arm, manual_clock, identity_id=IDENTITY)
    spec = make_azure_spec()
    azure.launch(spec)
    sandbox.run(hook(boot_script(spec, WITH)))
    sandbox.command(
        "curl",
        f"""case "$*" in
  *identity/oauth2*) echo '{{"client_id":"x","access_token":"{TOKEN}","expires_in":"1"}}' ;;
esac""",
    )

    token_call, delete_call, last = sandbox.run(sandbox.dead_man())

    query = parse_qs(urlsplit(token_call.split()[-1]).query)
    assert "-H Metadata: true" in token_call
    assert query["resource"] == ["https://management.azure.com/"]
    assert query["client_id"] == ["client-1"]
    assert f"-X DELETE -H Authorization: Bearer {TOKEN}" in delete_call
    url = delete_call.split()[-1]
    assert action_of("DELETE", urlsplit(url).path) in DEAD_MAN
    assert last == "shutdown -h now"
    assert arm.answer("DELETE", url, {"Authorization": f"Bearer {TOKEN}"}, b"").status == 202
    for _ in range(30):
        manual_clock.sleep(1.0)
    assert azure.observe(spec.run_id, [spec.region]) == ()


def test_a_dead_man_that_is_not_heard_tries_again_and_powers_off_in_the_end(
    make_azure_spec: MakeSpec, sandbox: Sandbox
) -> None:
    sandbox.run(hook(boot_script(make_azure_spec(), WITH)))

    calls = sandbox.run(sandbox.dead_man())

    assert sum("-X DELETE" in call for call in calls) == 60
    assert calls.count("sleep 30") == 60
    assert calls[-1] == "shutdown -h now"


def test_without_an_identity_the_dead_man_can_only_power_off(
    make_azure_spec: MakeSpec, sandbox: Sandbox
) -> None:
    sandbox.run(hook(boot_script(make_azure_spec(), WITHOUT)))

    assert sandbox.run(sandbox.dead_man()) == ["shutdown -h now"]


def test_machines_have_the_identity_and_no_other(
    arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    azure_provider_in_process(arm, manual_clock, identity_id=IDENTITY).launch(make_azure_spec())
    azure_provider_in_process(arm, manual_clock).launch(make_azure_spec())

    with_identity, without = (
        json.loads(request.parameters["body"])
        for request in arm.world.requests
        if request.action == "VirtualMachineScaleSets.CreateOrUpdate"
    )
    assert with_identity["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": {IDENTITY: {}},
    }
    assert "identity" not in without


def test_the_create_call_carries_the_script_to_the_byte(
    arm: RehearsedArm, manual_clock: ManualClock, make_azure_spec: MakeSpec
) -> None:
    spec = make_azure_spec()
    azure = azure_provider_in_process(arm, manual_clock)

    azure.launch(spec)

    (body,) = (
        json.loads(request.parameters["body"])
        for request in arm.world.requests
        if request.action == "VirtualMachineScaleSets.CreateOrUpdate"
    )
    profile = body["properties"]["virtualMachineProfile"]
    script = boot_script(spec, WITHOUT)
    assert profile["osProfile"]["customData"] == custom_data(script)
    assert base64.b64decode(profile["osProfile"]["customData"]).decode() == script


def test_a_script_beyond_what_azure_takes_is_refused(make_azure_spec: MakeSpec) -> None:
    fits = make_azure_spec(user_data="#!/bin/sh\n" + "#" * 60_000)
    assert len(boot_script(fits, WITH).encode()) <= CUSTOM_DATA_LIMIT_BYTES

    with pytest.raises(ConfigurationRejectedError, match="Azure takes 65535") as caught:
        boot_script(make_azure_spec(user_data="#!/bin/sh\n" + "é" * 32_768), WITH)

    assert caught.value.facts["limit_bytes"] == CUSTOM_DATA_LIMIT_BYTES


@pytest.mark.parametrize("user_data", ["echo hello\n", "\n", "Content-Type: text/plain\n\nx"])
def test_a_script_of_an_unknown_kind_is_refused(user_data: str, make_azure_spec: MakeSpec) -> None:
    with pytest.raises(ConfigurationRejectedError, match="must begin with"):
        boot_script(make_azure_spec(user_data=user_data), WITH)


def test_the_dead_man_names_the_group_of_its_own_run(make_azure_spec: MakeSpec) -> None:
    spec = make_azure_spec()

    script = hook(boot_script(spec, WITH))

    group = run_group(spec.run_id, spec.region)
    assert f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}?api-version=" in script
