"""The options of reports: which accounts, and which days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from kernel.errors import BadInputError

if TYPE_CHECKING:
    from pricing.reports.report_period import ReportPeriod

Decorated = Callable[..., Any]

FROM_HELP = "First day, in the account's time zone: 2026-11-01."
TO_HELP = "Last day, inclusive."
MONTH_OR_DAYS = (("--month", "--from"), ("--month", "--to"))
"""Two ways to name the days of a report."""


def account_and_month(command: Decorated) -> Decorated:
    """The account, ``--all`` and ``--month``."""
    account = click.argument("account_id", metavar="[ID]", required=False)
    everybody = click.option("--all", "is_all", is_flag=True, help="Every account.")
    month = click.option("--month", metavar="2026-11", help="A calendar month.")
    return account(everybody(month(command)))


def check_which(account_id: str | None, by: str | None, *, is_all: bool) -> None:
    """Whether one account is asked about, or all of them.

    Raises:
        BadInputError: Both, or somebody asks who may see one account's only.
    """
    if account_id is not None and is_all:
        raise BadInputError(f"--all is every account; leave it out, or the ID {account_id}")
    if account_id is None and by is not None:
        raise BadInputError("--by asks for one account: name its ID")


def asked_period(first: str | None, last: str | None, month: str | None) -> ReportPeriod | None:
    """The days that are asked for; None: none are named.

    Raises:
        BadInputError: They are none, or end before they begin.
    """
    from pricing.reports.report_period import ReportPeriod

    if month is not None:
        return ReportPeriod.of_month(month)
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise BadInputError("--from and --to go together: a first day, and a last")
    return ReportPeriod(day_of(first, "--from"), day_of(last, "--to"))


def day_of(text: str, option: str) -> date:
    """A day that is written ``2026-11-01``.

    Raises:
        BadInputError: It is none; names the option.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(
            f"{option}: {text!r} is no day; write it like 2026-11-01", option=option, value=text
        ) from None
