"""Resource groups of a rehearsed Azure, and the plain resources in them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from providers.rehearsal.azure_refusals import ArmError, group_not_found, not_found
from providers.rehearsal.azure_scale_sets import ScaleSets
from providers.rehearsal.azure_things import NEVER, Holdings, Thing

FORCED = "virtualmachines"


class Groups(Struct, frozen=True):
    """The making and the ending of groups, and of what lies in them."""

    holdings: Holdings
    scale_sets: ScaleSets

    def group(self, group_id: str) -> Thing:
        """A group that is there."""
        found = self.holdings.find(group_id)
        if found is None:
            raise group_not_found(group_id.rpartition("/")[2])
        return found

    def open_group(self, group_id: str) -> Thing:
        """A group in which something can be made."""
        found = self.group(group_id)
        self._check_not_deleting(found)
        return found

    def put_group(self, group_id: str, body: dict[str, Any]) -> tuple[Thing, bool]:
        """A group with these tags, and whether it is new."""
        found = self.holdings.find(group_id)
        if found is None:
            return self.holdings.put(Thing(group_id, body)), True
        self._check_not_deleting(found)
        if found.body["location"] != body["location"]:
            raise ArmError(
                "InvalidResourceGroupLocation",
                f"The group '{found.name}' already exists in {found.body['location']}.",
            )
        found.body = body
        return found, False

    def delete_group(self, group: Thing, *, forced_types: str, late: str | None) -> float:
        """Delete a group with all in it; if ``late`` is a code, fail half-way; when that is over.

        What does not go by itself goes with the group, which is gone last.
        """
        now_s, pace = self.holdings.now_s(), self.holdings.pace
        if late is not None:
            group.back_s = now_s + pace.group_s
            return group.back_s
        self._check_not_deleting(group)
        forced = FORCED in forced_types.lower()
        inside = list(self.holdings.below(group.thing_id))
        for one in inside:
            if one.kind == "virtualmachinescalesets":
                self.scale_sets.delete(one, forced=forced)
            elif one.kind == "virtualmachines":
                self.scale_sets.delete_machine(one, forced=forced)
        busy_until_s = [one.gone_s for one in inside if one.gone_s < NEVER]
        group.gone_s = max([now_s, *busy_until_s]) + pace.linger_s + pace.group_s
        for one in inside:
            one.gone_s = min(one.gone_s, group.gone_s)
        return group.gone_s

    def put_plain(self, thing_id: str, body: dict[str, Any]) -> tuple[Thing, bool]:
        """A network, a firewall or a deployment, and whether it is new."""
        now_s = self.holdings.now_s()
        found = self.holdings.find(thing_id)
        if found is not None and now_s < found.ready_s:
            raise ArmError("AnotherOperationInProgress", f"'{found.name}' is being made already.")
        ready_s = now_s + self.holdings.pace.boot_s
        for subnet in body.get("properties", {}).get("subnets", []):
            named = subnet["properties"].get("networkSecurityGroup")
            if named is None:
                continue
            firewall_id = named["id"]
            firewall = self.holdings.find(firewall_id)
            if firewall is None:
                raise ArmError("InvalidResourceReference", f"There is no {firewall_id}.")
            if now_s < firewall.ready_s:
                raise ArmError("ReferencedResourceNotProvisioned", f"{firewall_id} is not ready.")
        if found is None:
            return self.holdings.put(Thing(thing_id, body, ready_s=ready_s)), True
        found.body = body
        return found, False

    def thing(self, thing_id: str) -> Thing:
        """A resource that is there."""
        self.group("/".join(thing_id.split("/")[:5]))
        found = self.holdings.find(thing_id)
        if found is None:
            raise not_found(thing_id)
        return found

    def _check_not_deleting(self, group: Thing) -> None:
        if group.state(self.holdings.now_s()) == "Deleting":
            raise ArmError(
                "ResourceGroupBeingDeleted",
                f"The resource group '{group.name}' is in deprovisioning state and cannot perform "
                "this operation.",
            )
