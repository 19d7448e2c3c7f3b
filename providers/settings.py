"""The user's clouds as frozen values, and the environment variables that say them."""

from __future__ import annotations

import re

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

_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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
