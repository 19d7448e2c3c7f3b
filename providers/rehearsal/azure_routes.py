"""Which call is which, and what it does: the part of Azure's interface that is rehearsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from providers.rehearsal.azure_account import permissions, registration, subscription
from providers.rehearsal.azure_groups import Groups
from providers.rehearsal.azure_refusals import ArmError, check_tags
from providers.rehearsal.azure_reply import Ask, Done
from providers.rehearsal.azure_scale_sets import ScaleSets, sizes_in_use
from providers.rehearsal.azure_stock import REGIONS, address_usages, machine_usages, skus
from providers.rehearsal.azure_things import Holdings, Thing
from providers.rehearsal.fault_injector import FaultInjector

PAGE_SIZE = 50
PLAIN = {
    "networksecuritygroups": "NetworkSecurityGroups",
    "virtualnetworks": "VirtualNetworks",
    "deployments": "Deployments",
}
_SUB = "/subscriptions/[^/]+"
_GROUP = rf"(?P<group>{_SUB}/resourcegroups/[^/]+)"
_COMPUTE = "/providers/microsoft.compute"
_NETWORK = "/providers/microsoft.network"
_USAGES = "/locations/(?P<region>[^/]+)/usages"
_PROVIDER = "/providers/(?P<namespace>[^/]+)"
_PERMISSIONS = "/providers/microsoft.authorization/permissions"
_OPERATION = r"/locations/[^/]+/operations/(?P<number>\d+)"
_MACHINES = f"{_GROUP}{_COMPUTE}/virtualmachines"
_SETS = f"{_GROUP}{_COMPUTE}/virtualmachinescalesets"
_SET = f"(?P<thing>{_SETS}/[^/]+)"
_SET_NAME = "VirtualMachineScaleSets"
_PLAIN = (
    rf"(?P<thing>{_GROUP}/providers/(?:microsoft.network|microsoft.resources)/"
    rf"(?P<kind>{'|'.join(PLAIN)})/[^/]+)"
)
_TAG_FILTER = re.compile(r"tagName eq '([^']+)'")
_REGION_FILTER = re.compile(r"location eq '([^']+)'")
_SET_FILTER = re.compile(r"'virtualMachineScaleSet/id' eq '([^']+)'")


Perform = Callable[[str | None], Done]
"""Does what a call asks; the code with which it is to fail later, or None."""
_Handler = Callable[[Ask, re.Match[str], str | None], Done]


class Routes:
    """The calls of a rehearsed Azure."""

    def __init__(self, holdings: Holdings, world: FaultInjector) -> None:
        self._holdings = holdings
        self._world = world
        self._sets = ScaleSets(holdings, world)
        self._groups = Groups(holdings, self._sets)
        self._table: list[tuple[str, re.Pattern[str], str, _Handler]] = [
            (method, re.compile(pattern, re.IGNORECASE), action, handler)
            for method, pattern, action, handler in (
                ("GET", _SUB, "Subscriptions.Get", subscription),
                ("GET", f"{_SUB}{_PROVIDER}", "Providers.Get", registration),
                ("GET", f"{_SUB}{_PERMISSIONS}", "Permissions.List", permissions),
                ("GET", rf"{_SUB}/resourcegroups", "ResourceGroups.List", self._list_groups),
                ("GET", _GROUP, "ResourceGroups.Get", self._get_group),
                ("PUT", _GROUP, "ResourceGroups.CreateOrUpdate", self._put_group),
                ("DELETE", _GROUP, "ResourceGroups.Delete", self._delete_group),
                ("GET", rf"{_SUB}{_COMPUTE}/skus", "ResourceSkus.List", self._list_skus),
                ("GET", f"{_SUB}{_COMPUTE}{_USAGES}", "Usage.List", self._list_machine_usages),
                ("GET", f"{_SUB}{_NETWORK}{_USAGES}", "Usages.List", self._list_address_usages),
                ("GET", f"{_SUB}{_COMPUTE}{_OPERATION}", "Operations.Get", self._get_operation),
                ("GET", _MACHINES, "VirtualMachines.List", self._list_machines),
                ("GET", _SETS, "VirtualMachineScaleSets.List", self._list_sets),
                ("GET", _SET, "VirtualMachineScaleSets.Get", self._get_thing),
                ("PUT", _SET, "VirtualMachineScaleSets.CreateOrUpdate", self._put_set),
                ("DELETE", _SET, "VirtualMachineScaleSets.Delete", self._delete_set),
                ("POST", f"{_SET}/delete", f"{_SET_NAME}.DeleteInstances", self._delete_instances),
                ("GET", _PLAIN, "Get", self._get_thing),
                ("PUT", _PLAIN, "CreateOrUpdate", self._put_plain),
            )
        ]

    def find(self, ask: Ask) -> tuple[str, Perform]:
        """The name of a call, and what it does."""
        for method, pattern, action, handler in self._table:
            match = pattern.fullmatch(ask.path)
            if method == ask.method and match:
                kind = PLAIN.get((match.groupdict().get("kind") or "").lower())
                name = f"{kind}.{action}" if kind else action

                def perform(
                    late: str | None, handler: _Handler = handler, match: re.Match[str] = match
                ) -> Done:
                    return handler(ask, match, late)

                return name, perform
        raise ArmError("NotFound", f"{ask.method} {ask.path} is not rehearsed.")

    def _list_groups(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del match, late
        wanted = _TAG_FILTER.fullmatch(ask.query.get("$filter", ""))
        found = [
            one for one in self._holdings.groups() if not wanted or wanted[1] in one.body["tags"]
        ]
        return self._page(ask, found)

    def _get_group(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del ask, late
        return self._shown(200, self._groups.group(match["group"]))

    def _put_group(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del late
        check_tags(ask.body)
        _check_region(ask.body)
        group, new = self._groups.put_group(match["group"], ask.body)
        return self._shown(201 if new else 200, group)

    def _delete_group(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        group = self._groups.group(match["group"])
        forced_types = ask.query.get("forceDeletionTypes", "")
        done_s = self._groups.delete_group(group, forced_types=forced_types, late=late)
        return self._accepted(202, group, done_s, late)

    def _list_skus(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del match, late
        wanted = _REGION_FILTER.fullmatch(ask.query.get("$filter", ""))
        if not wanted:
            raise ArmError("BadRequest", "Only one region's SKUs are rehearsed.")
        return Done(200, {"value": list(skus(wanted[1]))})

    def _list_machine_usages(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del ask, late
        in_use = sizes_in_use(self._holdings, _known_region(match["region"]))
        return Done(200, {"value": list(machine_usages(self._world, in_use))})

    def _list_address_usages(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del ask, late
        in_use = sizes_in_use(self._holdings, _known_region(match["region"]))
        return Done(200, {"value": list(address_usages(len(in_use)))})

    def _get_operation(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del late
        operation = self._holdings.operation(int(match["number"]))
        if operation is None:
            raise ArmError("NotFound", f"There is no operation {ask.path}.")
        return Done(200, operation.shown(self._holdings.now_s()))

    def _list_machines(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del late
        group = self._groups.group(match["group"])
        now_s = self._holdings.now_s()
        wanted = _SET_FILTER.fullmatch(ask.query.get("$filter", ""))
        with_view = ask.query.get("$expand") == "instanceView"
        if with_view and not wanted:
            raise ArmError("BadRequest", "instanceView can be expanded only with a filter.")
        machines = [
            one
            for one in self._holdings.below(group.thing_id, "virtualmachines")
            if one.visible_s <= now_s and (not wanted or _belongs(one, wanted[1]))
        ]
        return self._page(ask, machines, _with_view if with_view else None)

    def _list_sets(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del late
        group = self._groups.group(match["group"])
        return self._page(
            ask, list(self._holdings.below(group.thing_id, "virtualmachinescalesets"))
        )

    def _get_thing(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del ask, late
        return self._shown(200, self._groups.thing(match["thing"]))

    def _put_set(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        group = self._groups.open_group(match["group"])
        check_tags(ask.body)
        _check_region(ask.body)
        found = self._holdings.find(match["thing"])
        if found is None:
            made = self._sets.create(match["thing"], ask.body, late)
            return self._accepted(201, made, made.ready_s, None, made.failure)
        if ask.headers.get("if-none-match") == "*":
            raise ArmError("PreconditionFailed", f"'{found.name}' in '{group.name}' exists.")
        if found.body != ask.body:
            raise ArmError("PropertyChangeNotAllowed", f"'{found.name}' is not changed here.")
        return self._shown(200, found)

    def _delete_set(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        self._groups.group(match["group"])
        found = self._holdings.find(match["thing"])
        if found is None:
            return Done(204)
        if late is not None:
            return self._accepted(202, found, self._holdings.now_s(), late)
        done_s = self._sets.delete(found, forced=ask.query.get("forceDeletion") == "true")
        return self._accepted(202, found, done_s, None)

    def _delete_instances(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        found = self._groups.thing(match["thing"])
        done_s = self._sets.delete_instances(
            found,
            ask.body.get("instanceIds", []),
            forced=ask.query.get("forceDeletion") == "true",
        )
        return self._accepted(202, found, done_s, late)

    def _put_plain(self, ask: Ask, match: re.Match[str], late: str | None) -> Done:
        del late
        self._groups.open_group(match["group"])
        check_tags(ask.body)
        made, new = self._groups.put_plain(match["thing"], ask.body)
        return self._shown(201 if new else 200, made)

    def _shown(self, status: int, thing: Thing) -> Done:
        return Done(status, thing.shown(self._holdings.now_s()))

    def _accepted(
        self,
        status: int,
        thing: Thing,
        done_s: float,
        late: str | None,
        failure: tuple[str, str] | None = None,
    ) -> Done:
        """What was accepted goes on; a creation shows what it makes, a deletion nothing."""
        if late is not None:
            failure = (late, f"Rehearsed: {late}.")
        number = self._holdings.begin(done_s, failure)
        document = thing.shown(self._holdings.now_s()) if status == 201 else None  # noqa: PLR2004 - HTTP
        return Done(status, document, number, thing.body["location"])

    def _page(
        self,
        ask: Ask,
        found: list[Thing],
        add: Callable[[Thing, float], Iterator[tuple[str, Any]]] | None = None,
    ) -> Done:
        """One page of a list, and the address of the next."""
        first, now_s = int(ask.query.get("$skiptoken", 0)), self._holdings.now_s()
        shown = []
        for one in found[first : first + PAGE_SIZE]:
            document = one.shown(now_s)
            document["properties"] |= dict(add(one, now_s)) if add else {}
            shown.append(document)
        page: dict[str, Any] = {"value": shown}
        if first + PAGE_SIZE < len(found):
            query = urlencode({**ask.query, "$skiptoken": first + PAGE_SIZE})
            page["nextLink"] = f"{ask.scheme}://{ask.host}{ask.path}?{query}"
        return Done(200, page)


def _belongs(machine: Thing, set_id: str) -> bool:
    its_set: str = machine.body["properties"]["virtualMachineScaleSet"]["id"]
    return its_set.lower() == set_id.lower()


def _with_view(machine: Thing, now_s: float) -> Iterator[tuple[str, Any]]:
    """The run-time status of a machine, as ``$expand=instanceView`` shows it."""
    state = machine.state(now_s)
    status = {"code": f"ProvisioningState/{state.lower()}"}
    if state == "Failed" and machine.failure:
        code, message = machine.failure
        status = {"code": f"ProvisioningState/failed/{code}", "message": message}
    yield "instanceView", {"statuses": [status]}


def _check_region(body: Mapping[str, Any]) -> None:
    _known_region(body.get("location", ""))


def _known_region(region: str) -> str:
    if region not in REGIONS:
        raise ArmError(
            "LocationNotAvailableForResourceType",
            f"The provided location '{region}' is not available.",
        )
    return region
