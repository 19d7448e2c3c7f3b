"""What stands between a subscription of Azure and a run there.

Nothing is created but one small blob and one container, which are deleted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from kernel.clock import Clock
from kernel.errors import LoadmusterError, ProviderFailedError
from providers.azure.account import (
    NAMESPACES,
    check_enabled,
    check_registered,
    find_subscription,
    missing_actions,
    not_allowed_error,
)
from providers.azure.clients import AzureClients
from providers.azure.network import named_subnet
from providers.azure.quota import HOW_TO_HAVE_MORE, REGIONAL_VCPUS, machine_usages
from providers.azure.storage import check_storage, open_storage
from providers.clock_skew import check_skew
from providers.findings import Finding, Grade, missing
from providers.settings import AZURE_IDENTITY, AzureSettings


class Examination(Struct, frozen=True):
    """Looks at one subscription.

    Attributes:
        clients: How Azure is called.
        clock: The computer's own, which has to agree with Azure's.
        settings: Storage account, container, identity; the connection has the rest.
        regions: Where runs are wanted.
        nonce: Tells this examination's probe in the storage from others.
    """

    clients: AzureClients
    clock: Clock
    settings: AzureSettings
    regions: Sequence[str]
    nonce: str

    def findings(self) -> Iterator[Finding]:
        """One after the other; without a subscription there is no more to look at."""
        try:
            found = find_subscription(self.clients)
            check_enabled(found)
        except ProviderFailedError as error:
            yield replace(missing("subscription", error), of_provider=True)
            return
        yield Finding("subscription", Grade.OK, f"{found.name}, {found.state}")
        yield self._skew(found.date)
        yield _look("resource providers", self._registered)
        yield self._permissions()
        yield _look("storage", self._storage)
        yield self._dead_man()
        for region in self.regions:
            yield _look(f"network {region}", partial(self._network, region))
            yield from self._quotas(region)

    def _skew(self, date_header: str | None) -> Finding:
        if date_header is None:
            return Finding("clock", Grade.UNKNOWN, "Azure did not say what time it is")
        return _look("clock", partial(check_skew, "Azure", date_header, self.clock.now()))

    def _registered(self) -> str:
        check_registered(self.clients)
        return f"{', '.join(NAMESPACES)} registered"

    def _permissions(self) -> Finding:
        what = "permissions"
        try:
            refused = missing_actions(self.clients)
        except ProviderFailedError as error:
            return Finding(what, Grade.UNKNOWN, error.message)
        if not refused:
            return Finding(what, Grade.OK, "all that a run does in the subscription")
        found = missing(what, not_allowed_error(refused))
        return replace(found, said=f"{', '.join(refused)} not allowed", of_provider=True)

    def _storage(self) -> str:
        url = self.settings.wanted_storage()
        container = self.settings.container
        check_storage(open_storage(self.clients, url, container), url, self.nonce)
        return f"{container} at {url}: written, listed, read, signed and deleted"

    def _dead_man(self) -> Finding:
        if self.settings.identity_id is not None:
            return Finding("dead man", Grade.OK, "machines end their run by their own identity")
        return Finding(
            "dead man",
            Grade.UNKNOWN,
            f"{AZURE_IDENTITY} is not set: a machine that nobody ends powers off and is billed on",
            "make an identity with the role in docs/azure-machine-role.json, or let "
            "`loadmuster serve` reap",
        )

    def _network(self, region: str) -> str:
        named = named_subnet(self.clients, region)
        return "made with the first run" if named is None else named.partition("/providers/")[2]

    def _quotas(self, region: str) -> Iterator[Finding]:
        what = f"quota {region}"
        try:
            usages = machine_usages(self.clients, region)
        except ProviderFailedError as error:
            yield replace(missing(what, error), of_provider=True)
            return
        cores = usages.get(REGIONAL_VCPUS)
        families = [one for name, one in usages.items() if name.endswith("Family") and one.left]
        if cores is None:
            yield Finding(what, Grade.UNKNOWN, f"Azure does not tell {REGIONAL_VCPUS!r}")
            return
        said = (
            f"{cores.used:,} of {cores.limit:,} vCPUs in use, "
            f"machine families that have room: {len(families)}"
        )
        if cores.left and families:
            yield Finding(what, Grade.OK, said)
        else:
            yield Finding(what, Grade.MISSING, said, HOW_TO_HAVE_MORE, of_provider=True)


def _look(what: str, look: Callable[[], str]) -> Finding:
    """What was seen, or the error, split into the finding and what to do."""
    try:
        return Finding(what, Grade.OK, look())
    except LoadmusterError as error:
        found = missing(what, error)
        return replace(found, of_provider=isinstance(error, ProviderFailedError))
