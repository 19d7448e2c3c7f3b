"""The codes of Azure, each with the decision that it asks for.

https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
and https://learn.microsoft.com/azure/virtual-machines/error-codes; of storage
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kernel.errors import ProviderFailedError
from providers.errors import decision_table

CREDENTIAL_CODES = frozenset(
    {
        "AuthenticationFailed",
        "ExpiredAuthenticationToken",
        "InvalidAuthenticationToken",
        "InvalidAuthenticationTokenTenant",
        "NoAuthenticationInformation",
    }
)
NOT_FOUND_CODES = frozenset(
    {
        "BlobNotFound",
        "ContainerNotFound",
        "DeploymentNotFound",
        "NotFound",
        "ParentResourceNotFound",
        "ResourceGroupNotFound",
        "ResourceNotFound",
    }
)
REGISTRATION_CODES = frozenset({"MissingSubscriptionRegistration", "SubscriptionNotRegistered"})
SUBSCRIPTION_CODES = frozenset({"InvalidSubscriptionId", "SubscriptionNotFound"})
PERMISSION_CODES = frozenset(
    {
        "AuthorizationFailed",
        "AuthorizationFailure",
        "AuthorizationPermissionMismatch",
        "LinkedAuthorizationFailed",
    }
)
# Somebody else made it between our look and our call.
EXISTS_CODES = frozenset({"ConditionNotMet", "ContainerAlreadyExists", "PreconditionFailed"})

# Another operation is in the way counts here too: nothing was done, and the same request will do.
_THROTTLED = frozenset(
    {
        "AnotherOperationInProgress",
        "CanceledAndSupersededDueToAnotherOperation",
        "Conflict",
        "ContainerBeingDeleted",
        "DeploymentActive",
        "OperationPreempted",
        "ReferencedResourceNotProvisioned",
        "ResourceCollectionRequestsThrottled",
        "ResourceGroupBeingDeleted",
        "ResourceRequestsThrottled",
        "RetryableError",
        "ServerBusy",
        "SubscriptionRequestsThrottled",
        "TooManyRequests",
    }
)
_QUOTA = frozenset(
    {
        "DeploymentQuotaExceeded",
        "PublicIPCountLimitReached",
        "QuotaExceeded",
        "ResourceQuotaExceeded",
        "ResourceGroupQuotaExceeded",
        "SKUFamilyQuotaExceeded",
        "StandardPublicIPCountLimitReached",
        "SubnetIsFull",
    }
)
_CAPACITY = frozenset(
    {
        "AllocationFailed",
        "AllocationTimeout",
        "NetworkCapacityError",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "SkuNotAvailable",
        "VMMarketplaceCapacity",
        "ZonalAllocationFailed",
    }
)
_CONFIGURATION = (
    CREDENTIAL_CODES
    | NOT_FOUND_CODES
    | REGISTRATION_CODES
    | EXISTS_CODES
    | SUBSCRIPTION_CODES
    | PERMISSION_CODES
    | frozenset(
        {
            "BadRequest",
            "DisallowedOperation",
            "ImageNotFound",
            "InvalidApiVersionParameter",
            "InvalidParameter",
            "InvalidRange",
            "InvalidRequestContent",
            "InvalidRequestFormat",
            "InvalidResourceName",
            "InvalidTemplate",
            "LocationNotAvailableForResourceGroup",
            "LocationNotAvailableForResourceType",
            "LocationRequired",
            "MissingApiVersionParameter",
            "NoRegisteredProviderFound",
            "OperationNotAllowed",
            "PlatformImageNotFound",
            "PropertyChangeNotAllowed",
            "ReadOnlyDisabledSubscription",
            "RequestDisallowedByAzure",
            "RequestDisallowedByPolicy",
            "ScopeLocked",
        }
    )
)
_UNKNOWN_OUTCOME = frozenset(
    {
        "GatewayTimeout",
        "InternalError",
        "InternalExecutionError",
        "InternalOperationError",
        "InternalServerError",
        "OperationTimedOut",
        "OSProvisioningTimedOut",
        "RequestTimeout",
        "ServerTimeout",
        "ServiceUnavailable",
    }
)

DECISIONS: Final[Mapping[str, type[ProviderFailedError]]] = decision_table(
    throttled=_THROTTLED,
    quota=_QUOTA,
    capacity=_CAPACITY,
    configuration=_CONFIGURATION,
    unknown_outcome=_UNKNOWN_OUTCOME,
)
