"""What the surroundings say about the user's clouds: frozen values, read once, at the rim."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from kernel.errors import BadInputError

AWS_BUCKET = "LOADMUSTER_AWS_BUCKET"
AWS_SUBNETS = "LOADMUSTER_AWS_SUBNETS"
AWS_SECURITY_GROUPS = "LOADMUSTER_AWS_SECURITY_GROUPS"

# As Azure's own tools call it.
AZURE_SUBSCRIPTION = "AZURE_SUBSCRIPTION_ID"
AZURE_STORAGE = "LOADMUSTER_AZURE_STORAGE"
AZURE_CONTAINER = "LOADMUSTER_AZURE_CONTAINER"
AZURE_SUBNETS = "LOADMUSTER_AZURE_SUBNETS"
AZURE_IDENTITY = "LOADMUSTER_AZURE_IDENTITY"
AZURE_IDENTITY_CLIENT_ID = "LOADMUSTER_AZURE_IDENTITY_CLIENT_ID"
AZURE_ENDPOINT = "LOADMUSTER_AZURE_ENDPOINT"
AWS_PRICES = "LOADMUSTER_AWS_PRICES"
AZURE_PRICES = "LOADMUSTER_AZURE_PRICES"
AZURE_PUBLIC_ENDPOINT = "https://management.azure.com"
DEFAULT_CONTAINER = "loadmuster"
AZURE_PUBLIC_BLOBS = "https://{account}.blob.core.windows.net"
AZURE_SUBNET_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.Network/virtualNetworks/(?P<network>[^/]+)/subnets/(?P<subnet>[^/]+)",
    re.IGNORECASE,
)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a dot in the name
# would break the certificate of the bucket's own host name, which injectors call.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_STORAGE_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
# Room for what the containers of uploads add to the name.
_CONTAINER = re.compile(r"(?=.{3,39}$)[a-z0-9]+(-[a-z0-9]+)*")
# Plain HTTP leads to this computer only: tokens travel by it.
_ADDRESS = re.compile(r"(https://[a-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d+)?(/[a-z0-9]+)?")
_IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/"
    r"userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)


class AwsSettings(Struct, frozen=True):
    """Where machines are put on AWS, and where they meet their controller.

    Attributes:
        bucket: Name of the S3 bucket for work and reports; None: none was named.
        subnets: Those that machines may be in, of all regions; none: the default ones.
        security_groups: Those that machines are in, of all regions; none: the default one.
    """

    bucket: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


class AzureSettings(Struct, frozen=True):
    """Whose machines they are on Azure, and where they meet their controller.

    Attributes:
        subscription_id: Pays for the machines; None: none was named.
        storage_url: Where the storage account for work and reports answers; None: none was named.
        container: The container in it, and the beginning of the names of those beside it.
        subnets: Ids of those that machines may be in, of all regions; elsewhere one is made.
        identity_id: Resource id of the identity by which a machine ends its run; None: it has none.
        identity_client_id: The identity's client id, for which a machine asks.
        endpoint: Where Azure Resource Manager answers.
    """

    subscription_id: str | None = None
    storage_url: str | None = None
    container: str = DEFAULT_CONTAINER
    subnets: tuple[str, ...] = ()
    identity_id: str | None = None
    identity_client_id: str | None = None
    endpoint: str = AZURE_PUBLIC_ENDPOINT

    def wanted_subscription(self) -> str:
        """The subscription that is named.

        Raises:
            BadInputError: None is, or it is no id.
        """
        if self.subscription_id is None:
            raise BadInputError(
                f"{AZURE_SUBSCRIPTION} is not set: a run on Azure needs the id of the subscription "
                "that pays for its machines; `az account show --query id` prints it",
                setting=AZURE_SUBSCRIPTION,
            )
        if not _SUBSCRIPTION.fullmatch(self.subscription_id):
            raise BadInputError(
                f"{AZURE_SUBSCRIPTION}: {self.subscription_id!r} is no subscription's id; "
                "`az account show --query id` prints it",
                setting=AZURE_SUBSCRIPTION,
                value=self.subscription_id,
            )
        return self.subscription_id

    def wanted_storage(self) -> str:
        """Where the storage account that is named answers.

        Raises:
            BadInputError: None is.
        """
        if self.storage_url is None:
            raise BadInputError(
                f"{AZURE_STORAGE} is not set: a run on Azure needs the name of a storage account "
                "of yours, in which its injectors fetch their work and leave their results; "
                "--dry-run rehearses without one",
                setting=AZURE_STORAGE,
            )
        return self.storage_url


def aws_price_address(environment: Mapping[str, str]) -> str | None:
    """Where AWS's price list answers; None: where AWS has it.

    Raises:
        BadInputError: The value is no address; the message names the variable.
    """
    return _value(environment, AWS_PRICES, _ADDRESS, "http://127.0.0.1:8080")


def azure_price_address(environment: Mapping[str, str]) -> str | None:
    """Where Azure's price list answers; None: where Azure has it.

    Raises:
        BadInputError: The value is no address; the message names the variable.
    """
    return _value(environment, AZURE_PRICES, _ADDRESS, "https://prices.azure.com")


def aws_settings(environment: Mapping[str, str]) -> AwsSettings:
    """The settings in environment variables.

    Raises:
        BadInputError: A value is not of its kind; the message names the variable.
    """
    bucket = environment.get(AWS_BUCKET, "").strip() or None
    if bucket is not None and not _BUCKET.fullmatch(bucket):
        raise BadInputError(
            f"{AWS_BUCKET}: {bucket!r} is no bucket's name; write it like my-load-tests: small "
            "letters, digits and hyphens",
            setting=AWS_BUCKET,
            value=bucket,
        )
    return AwsSettings(
        bucket=bucket,
        subnets=_ids(environment, AWS_SUBNETS, _SUBNET, "subnet-0a1b2c3d,subnet-4e5f6a7b"),
        security_groups=_ids(environment, AWS_SECURITY_GROUPS, _SECURITY_GROUP, "sg-0a1b2c3d"),
    )


def azure_settings(environment: Mapping[str, str]) -> AzureSettings:
    """The settings in environment variables.

    Raises:
        BadInputError: A value is not of its kind; the message names the variable.
    """
    container = _value(environment, AZURE_CONTAINER, _CONTAINER, "my-load-tests")
    return AzureSettings(
        subscription_id=environment.get(AZURE_SUBSCRIPTION, "").strip() or None,
        storage_url=_storage_url(environment.get(AZURE_STORAGE, "").strip()),
        container=container or DEFAULT_CONTAINER,
        subnets=_ids(
            environment,
            AZURE_SUBNETS,
            AZURE_SUBNET_ID,
            "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/"
            "virtualNetworks/NETWORK/subnets/SUBNET",
        ),
        identity_id=_value(
            environment,
            AZURE_IDENTITY,
            _IDENTITY,
            "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/"
            "userAssignedIdentities/NAME",
        ),
        identity_client_id=environment.get(AZURE_IDENTITY_CLIENT_ID, "").strip() or None,
        endpoint=_value(environment, AZURE_ENDPOINT, _ADDRESS, AZURE_PUBLIC_ENDPOINT)
        or AZURE_PUBLIC_ENDPOINT,
    )


def _storage_url(named: str) -> str | None:
    """The address of a storage account that is named, or whose address is given."""
    if _STORAGE_ACCOUNT.fullmatch(named):
        return AZURE_PUBLIC_BLOBS.format(account=named)
    address = named.removesuffix("/")
    if named and not _ADDRESS.fullmatch(address):
        raise BadInputError(
            f"{AZURE_STORAGE}: {named!r} is no storage account's name; write it like acmeloads: 3 "
            "to 24 small letters and digits; or its address, like "
            f"{AZURE_PUBLIC_BLOBS.format(account='acmeloads')}",
            setting=AZURE_STORAGE,
            value=named,
        )
    return address or None


def _value(
    environment: Mapping[str, str], name: str, form: re.Pattern[str], example: str
) -> str | None:
    """The value of a variable; None: it is not set."""
    value = environment.get(name, "").strip()
    if value and not form.fullmatch(value):
        raise BadInputError(
            f"{name}: {value!r} is not of its form; write it like {example}",
            setting=name,
            value=value,
        )
    return value or None


def _ids(
    environment: Mapping[str, str], name: str, form: re.Pattern[str], example: str
) -> tuple[str, ...]:
    """The ids that a variable lists, each once."""
    listed = [one.strip() for one in environment.get(name, "").split(",")]
    for one in listed:
        if one and not form.fullmatch(one):
            raise BadInputError(
                f"{name}: {one!r} is no id; write it like {example}", setting=name, value=one
            )
    return tuple(dict.fromkeys(one for one in listed if one))
