"""The names that the commands of ``Engine`` had when all of them were methods of it.

They go on working for callers outside, each with a ``DeprecationWarning`` that says the name of
today; type checkers do not know them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

FORMER_NAMES: Mapping[str, str] = {
    "account": "accounts.get",
    "add_department": "departments.add",
    "advance_all": "accounts.advance",
    "advise": "reports.advise",
    "allocate_department": "departments.allocate",
    "allow_target": "targets.allow",
    "allowed_targets": "targets.list",
    "accept": "runs.accept",
    "billing_settings": "accounts.billing_settings",
    "boost": "accounts.boost",
    "calibrate": "calibrations.measure",
    "cancel": "runs.cancel",
    "cancel_subscription": "accounts.cancel",
    "check_target": "targets.check",
    "confirm_cancel": "accounts.confirm_cancel",
    "controller": "runs.controller",
    "delete_account": "accounts.delete",
    "detach": "runs.detach",
    "downgrade": "accounts.downgrade",
    "drive": "runs.drive",
    "examine": "doctor.examine",
    "extra_credits": "accounts.extra_credits",
    "finish_climb": "calibrations.finish_climb",
    "folder": "runs.folder",
    "forbid_target": "targets.forbid",
    "heartbeats": "reaper.heartbeats",
    "history": "accounts.history",
    "invoice_page": "reports.invoice_page",
    "invoices": "reports.invoices",
    "ledger": "reports.ledger",
    "limit_department": "departments.limit",
    "list_accounts": "accounts.list",
    "list_departments": "departments.list",
    "new_lease": "runs.new_lease",
    "offers": "accounts.offers",
    "open_account": "accounts.open",
    "overdue_reaps": "reaper.overdue",
    "pay": "accounts.pay",
    "payment": "runs.payment",
    "places": "reaper.places",
    "places_at": "reaper.places_at",
    "plan_climb": "calibrations.plan_climb",
    "policy": "doctor.policy",
    "reap": "reaper.reap",
    "refresh_catalog": "catalog.refresh",
    "renew": "accounts.renew",
    "serve": "serving.serve",
    "set_card": "accounts.set_card",
    "show": "runs.show",
    "show_account": "accounts.show",
    "show_department": "departments.show",
    "start": "runs.start",
    "start_climb": "calibrations.start_climb",
    "store": "runs.store",
    "to_on_demand": "accounts.to_on_demand",
    "undo": "accounts.undo",
    "upgrade": "accounts.upgrade",
    "usage": "reports.usage",
    "use_catalog": "catalog.use",
    "wait": "runs.wait",
}
"""From the name that ``Engine`` had to the room and the name in it."""

FORMER_CALLS: Mapping[str, str] = {"catalog": "catalog.current", "runs": "runs.list"}
"""Methods of which the names are rooms today; the rooms can be called."""


def of_former_name(engine: object, name: str) -> Any:  # noqa: ANN401 - whatever it was
    """What a former name stands for.

    Raises:
        AttributeError: It never was a name.
    """
    current = FORMER_NAMES.get(name)
    if current is None:
        raise AttributeError(f"{type(engine).__name__!r} object has no attribute {name!r}")
    _warn(name, current)
    room, _, attribute = current.partition(".")
    return getattr(getattr(engine, room), attribute)


class FormerlyCalled:
    """A room with the name of a former method: calling it does what the method did."""

    former_call: ClassVar[str]
    """That method's name."""

    if not TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever it was
            """What the method of this name did."""
            current = FORMER_CALLS[self.former_call]
            _warn(f"{self.former_call}()", f"{current}()")
            command: Callable[..., Any] = getattr(self, current.partition(".")[2])
            return command(*args, **kwargs)


def _warn(former: str, current: str) -> None:
    warnings.warn(f"Engine.{former} is Engine.{current} today", DeprecationWarning, stacklevel=4)
