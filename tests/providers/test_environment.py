"""What environment variables say of the user's clouds, and one line for each that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from kernel.errors import BadInputError
from providers import settings as settings_module
from providers.environment import (
    aws_price_address,
    aws_settings,
    azure_price_address,
    azure_settings,
)
from providers.settings import (
    AWS_BUCKET,
    AWS_PRICES,
    AWS_SECURITY_GROUPS,
    AWS_SUBNETS,
    AZURE_CONTAINER,
    AZURE_ENDPOINT,
    AZURE_IDENTITY,
    AZURE_IDENTITY_CLIENT_ID,
    AZURE_PRICES,
    AZURE_STORAGE,
    AZURE_SUBNETS,
    AZURE_SUBSCRIPTION,
    AwsSettings,
    AzureSettings,
)

Read = Callable[[Mapping[str, str]], object]
NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n"
IDENTITY = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
)
OF_ANY_FORM = {AZURE_SUBSCRIPTION, AZURE_IDENTITY_CLIENT_ID}
RIGHT: list[tuple[Read, dict[str, str], object]] = [
    (
        aws_settings,
        {
            AWS_BUCKET: " acme-loads ",
            AWS_SUBNETS: "subnet-0123abcd,, subnet-4567cdef , subnet-0123abcd",
            AWS_SECURITY_GROUPS: "sg-0123abcd",
        },
        AwsSettings("acme-loads", ("subnet-0123abcd", "subnet-4567cdef"), ("sg-0123abcd",)),
    ),
    (
        azure_settings,
        {
            AZURE_SUBSCRIPTION: "load tests",
            AZURE_STORAGE: "acmeloads",
            AZURE_CONTAINER: "of-acme",
            AZURE_SUBNETS: f"{NETWORK}/subnets/one,{NETWORK.upper()}/SUBNETS/TWO",
            AZURE_IDENTITY: IDENTITY,
            AZURE_IDENTITY_CLIENT_ID: "client",
            AZURE_ENDPOINT: "http://127.0.0.1:8080/arm",
        },
        AzureSettings(
            subscription_id="load tests",
            storage_url="https://acmeloads.blob.core.windows.net",
            container="of-acme",
            subnets=(f"{NETWORK}/subnets/one", f"{NETWORK.upper()}/SUBNETS/TWO"),
            identity_id=IDENTITY,
            identity_client_id="client",
            endpoint="http://127.0.0.1:8080/arm",
        ),
    ),
    (aws_price_address, {AWS_PRICES: "http://localhost:1"}, "http://localhost:1"),
    (azure_price_address, {AZURE_PRICES: "https://prices.azure.com"}, "https://prices.azure.com"),
]
READ_BY = {name: read for read, environment, _ in RIGHT for name in environment}


@pytest.mark.parametrize(("read", "environment", "settings"), RIGHT)
def test_every_variable_has_its_place(
    read: Read, environment: dict[str, str], settings: object
) -> None:
    assert read(environment | {"PATH": "/bin", "LOADMUSTER_AWS_BUCKETS": "?"}) == settings
    unset = None if isinstance(settings, str) else type(settings)()
    assert read(dict.fromkeys(environment, " \n")) == read({}) == unset


def test_every_variable_that_is_named_is_read() -> None:
    named = {
        value
        for name, value in vars(settings_module).items()
        if name.isupper() and isinstance(value, str) and value.endswith(name)
    } | {AZURE_SUBSCRIPTION}
    assert named == set(READ_BY)


@pytest.mark.parametrize("name", sorted(set(READ_BY) - OF_ANY_FORM))
@pytest.mark.parametrize("value", ["?", "of two\nlines", "ü", "x" * 300, "http://example.com"])
def test_a_value_of_the_wrong_form_is_one_line_with_the_variable_the_value_and_what_is_right(
    name: str, value: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        READ_BY[name]({name: value})
    assert refused.value.line.startswith(f"{name}: {value!r} is no ")
    assert "; write it like " in refused.value.line
    assert "None" not in refused.value.line
    assert refused.value.facts == {"setting": name, "value": value}


def test_of_a_list_the_wrong_one_is_named() -> None:
    with pytest.raises(BadInputError, match=r"SUBNETS: 'sg-0123abcd' is no id") as refused:
        aws_settings({AWS_SUBNETS: "subnet-0123abcd, sg-0123abcd"})
    assert refused.value.facts == {"setting": AWS_SUBNETS, "value": "sg-0123abcd"}


def test_the_settings_themselves_are_imported_without_what_checks_them() -> None:
    program = (
        "import json, sys, providers.settings;"
        "print(json.dumps([name for name in sys.modules if name.startswith('pydantic')]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == []
