"""People whose environment leads to a rehearsed cloud instead of a real one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers.rehearsal.azure_account import SUBSCRIPTION, TOKEN_PATH
from providers.rehearsal.azure_blobs import ACCOUNT

if TYPE_CHECKING:
    import subprocess

    import pytest

    from providers.rehearsal.program import Rehearsal
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine

BUCKET = "acme-load-tests"
SMALL = ("--users", "10", "--duration", "4s")
NOBODYS_AWS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Whoever runs the tests may have credentials; the SDK is not to find them."""

_PREFIXES = ("AWS_", "AZURE_", "IDENTITY_", "LOADMUSTER_")


def on_aws(server: Rehearsal) -> Mapping[str, str]:
    """The environment of somebody with a bucket on the rehearsed AWS."""
    return NOBODYS_AWS | {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "acme",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "LOADMUSTER_AWS_BUCKET": BUCKET,
    }


def on_azure(server: Rehearsal) -> Mapping[str, str]:
    """The environment of a managed identity with storage on the rehearsed Azure."""
    return {
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "IDENTITY_ENDPOINT": f"{server.endpoint_url}{TOKEN_PATH}",
        "IDENTITY_HEADER": "acme",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "LOADMUSTER_AZURE_ENDPOINT": server.endpoint_url,
        "LOADMUSTER_AZURE_STORAGE": f"{server.endpoint_url}/{ACCOUNT}",
    }


def live_in(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    """Have no other settings and credentials than these."""
    for name in os.environ:
        if name.startswith(_PREFIXES):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Account:
    """An account that runs the checkout test on one rehearsed cloud as on a real one."""

    line: CommandLine
    server: Rehearsal
    provider: str
    first_call: str
    """Of a launch; none may have been made for a run that is refused."""

    @property
    def checkout(self) -> tuple[str, ...]:
        account = ("--account", "acme", "--provider", self.provider)
        return ("run", "examples/checkout.yaml", *account, "--json")

    def run(self, shop: str, *options: str) -> Answer:
        return self.line(*self.checkout, *SMALL, "--set", f"TARGET={shop}", *options)

    def start(self, shop: str, duration: str, *options: str) -> subprocess.Popen[str]:
        size = ("--users", "10", "--duration", duration)
        return self.line.start(*self.checkout, *size, "--set", f"TARGET={shop}", *options)

    def here(self, *arguments: str) -> Answer:
        return self.line.here(*arguments)

    def refused(self, code: int, *arguments: str) -> Mapping[str, Any]:
        """The error of a run that is refused: nothing is on record, launched or charged."""
        answer = self.here(*self.checkout, *arguments)
        assert (answer.code, answer.err.count("\n")) == (code, 1), answer
        assert self.here("--json", "runs").json == {"runs": []}
        assert self.here("--json", "ledger", "acme").json["transactions"] == []
        assert not self.server.requests(self.first_call)
        error: Mapping[str, Any] = answer.json["error"]
        return error

    def until(self, state: str, process: subprocess.Popen[str]) -> str:
        """The id of the only run, once it is in a state."""
        return str(self.line.until_state(state, process)["id"])
