"""The user's clouds as environment variables say them: read, checked and named when wrong.

pydantic checks the values; this module says what each is, for people. It is imported when a cloud
is wanted, so that what wants none starts without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from msgspec import convert
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from kernel.errors import BadInputError
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
    AZURE_PUBLIC_BLOBS,
    AZURE_PUBLIC_ENDPOINT,
    AZURE_STORAGE,
    AZURE_SUBNET_ID,
    AZURE_SUBNETS,
    AZURE_SUBSCRIPTION,
    DEFAULT_CONTAINER,
    AwsSettings,
    AzureSettings,
)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a dot in the name
# would break the certificate of the bucket's own host name, which injectors call.
_BUCKET = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
_SUBNET = r"^subnet-[0-9a-f]{8,17}$"
_SECURITY_GROUP = r"^sg-[0-9a-f]{8,17}$"
# Plain HTTP leads to this computer only: tokens travel by it.
_HOST = r"(https://[a-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d+)?(/[a-z0-9]+)?"
_ADDRESS = f"^{_HOST}$"
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_STORAGE = f"^([a-z0-9]{{3,24}}|{_HOST}/?)$"
_CONTAINER = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_CONTAINER_LENGTH_MAX = 39
"""Leaves room for what the containers of uploads add to the name."""

_AZURE_SUBNET = f"(?i)^{AZURE_SUBNET_ID.pattern}$"
_IDENTITY = (
    r"(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/"
    r"userAssignedIdentities/[^/]+$"
)

_STORAGE_EXAMPLE = (
    "acmeloads: 3 to 24 small letters and digits; or its address, like "
    f"{AZURE_PUBLIC_BLOBS.format(account='acmeloads')}"
)
_AZURE_SUBNET_EXAMPLE = (
    "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/"
    "virtualNetworks/NETWORK/subnets/SUBNET"
)
_IDENTITY_EXAMPLE = (
    "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/NAME"
)


def _split(listed: str) -> list[str]:
    return [one for each in listed.split(",") if (one := each.strip())]


def _each_once(listed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(listed))


def _storage_url(named: str) -> str:
    """The address of a storage account that is named, or whose address is given."""
    return named.removesuffix("/") if "/" in named else AZURE_PUBLIC_BLOBS.format(account=named)


_Listed = (BeforeValidator(_split), AfterValidator(_each_once))
_SubnetIds = Annotated[tuple[Annotated[str, Field(pattern=_SUBNET)], ...], *_Listed]
_GroupIds = Annotated[tuple[Annotated[str, Field(pattern=_SECURITY_GROUP)], ...], *_Listed]
_AzureSubnetIds = Annotated[tuple[Annotated[str, Field(pattern=_AZURE_SUBNET)], ...], *_Listed]
_Address = Annotated[str, Field(pattern=_ADDRESS)]


class _Variables(BaseModel):
    """Fields named as in the settings; each has as alias its variable, and says what it is.

    The title completes "it is no ...", the first example "write it like ...".
    """

    model_config = ConfigDict(frozen=True)


class _Aws(_Variables):
    bucket: str | None = Field(
        None,
        alias=AWS_BUCKET,
        pattern=_BUCKET,
        title="bucket's name",
        examples=["my-load-tests: small letters, digits and hyphens"],
    )
    subnets: _SubnetIds = Field(
        (), alias=AWS_SUBNETS, title="id", examples=["subnet-0a1b2c3d,subnet-4e5f6a7b"]
    )
    security_groups: _GroupIds = Field(
        (), alias=AWS_SECURITY_GROUPS, title="id", examples=["sg-0a1b2c3d"]
    )


class _Azure(_Variables):
    subscription_id: str | None = Field(None, alias=AZURE_SUBSCRIPTION)
    storage_url: Annotated[str, Field(pattern=_STORAGE), AfterValidator(_storage_url)] | None = (
        Field(
            None,
            alias=AZURE_STORAGE,
            title="storage account's name",
            examples=[_STORAGE_EXAMPLE],
        )
    )
    container: str = Field(
        DEFAULT_CONTAINER,
        alias=AZURE_CONTAINER,
        pattern=_CONTAINER,
        min_length=3,
        max_length=_CONTAINER_LENGTH_MAX,
        title="container's name",
        examples=[
            f"my-load-tests: 3 to {_CONTAINER_LENGTH_MAX} small letters, digits and single hyphens"
        ],
    )
    subnets: _AzureSubnetIds = Field(
        (),
        alias=AZURE_SUBNETS,
        title="id",
        examples=[_AZURE_SUBNET_EXAMPLE],
    )
    identity_id: str | None = Field(
        None,
        alias=AZURE_IDENTITY,
        pattern=_IDENTITY,
        title="identity's id",
        examples=[_IDENTITY_EXAMPLE],
    )
    identity_client_id: str | None = Field(None, alias=AZURE_IDENTITY_CLIENT_ID)
    endpoint: _Address = Field(
        AZURE_PUBLIC_ENDPOINT,
        alias=AZURE_ENDPOINT,
        title="address",
        examples=[AZURE_PUBLIC_ENDPOINT],
    )


class _AwsPrices(_Variables):
    address: _Address | None = Field(
        None, alias=AWS_PRICES, title="address", examples=["http://127.0.0.1:8080"]
    )


class _AzurePrices(_Variables):
    address: _Address | None = Field(
        None, alias=AZURE_PRICES, title="address", examples=["https://prices.azure.com"]
    )


def aws_settings(environment: Mapping[str, str]) -> AwsSettings:
    """The settings in environment variables.

    Raises:
        BadInputError: A value is not of its kind; the message names the variable.
    """
    return convert(_read(_Aws, environment), AwsSettings, from_attributes=True)


def azure_settings(environment: Mapping[str, str]) -> AzureSettings:
    """The settings in environment variables.

    Raises:
        BadInputError: A value is not of its kind; the message names the variable.
    """
    return convert(_read(_Azure, environment), AzureSettings, from_attributes=True)


def aws_price_address(environment: Mapping[str, str]) -> str | None:
    """Where AWS's price list answers; None: where AWS has it.

    Raises:
        BadInputError: The value is no address; the message names the variable.
    """
    return _read(_AwsPrices, environment).address


def azure_price_address(environment: Mapping[str, str]) -> str | None:
    """Where Azure's price list answers; None: where Azure has it.

    Raises:
        BadInputError: The value is no address; the message names the variable.
    """
    return _read(_AzurePrices, environment).address


_Read = TypeVar("_Read", bound=_Variables)


def _read(variables: type[_Read], environment: Mapping[str, str]) -> _Read:
    """What the variables hold; one that is empty or blank is not set.

    Raises:
        BadInputError: For the first that is not of its kind; facts: ``setting``, ``value``.
    """
    fields = {str(field.alias): field for field in variables.model_fields.values()}
    given = {name: text for name in fields if (text := environment.get(name, "").strip())}
    try:
        return variables.model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name, value = str(wrong["loc"][0]), str(wrong["input"])
        field: Any = fields[name]
        raise BadInputError(
            f"{name}: {value!r} is no {field.title}; write it like {field.examples[0]}",
            setting=name,
            value=value,
        ) from error
