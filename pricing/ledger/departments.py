"""The register of departments: parts of an account that get credits and a wallet of their own.

A department belongs to one account and is called by its name; upper and lower case are the same.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select

from kernel.errors import BadInputError, RefusedError
from kernel.near_names import meant
from pricing.tables import DEPARTMENTS, insert_once

_DEPARTMENTS = select(
    DEPARTMENTS.c.id,
    DEPARTMENTS.c.account_id,
    DEPARTMENTS.c.name,
    DEPARTMENTS.c.allocation_li_minutes,
    DEPARTMENTS.c.limit_usd_micros,
)
_OF_ACCOUNT = _DEPARTMENTS.where(DEPARTMENTS.c.account_id == bindparam("of")).order_by(
    DEPARTMENTS.c.id
)

_NAME = re.compile(r"\w[\w .,&'+@()-]{0,63}")


class BadDepartmentNameError(BadInputError):
    """Not usable as the name of a department; facts: ``department``."""

    code = "bad_department_name"


class UnknownDepartmentError(BadInputError):
    """The account has no such department; facts: ``account``, ``department``."""

    code = "unknown_department"


class DepartmentExistsError(RefusedError):
    """The account has a department of that name; facts: ``account``, ``department``."""

    code = "department_exists"


class Department(Struct, frozen=True):
    """A part of an account.

    Attributes:
        id: Its number.
        account_id: Whose part.
        name: What people call it.
        allocation_li_minutes: Its share of each of the account's grants (R68).
        limit_usd_micros: What its runs may cost a month in money (R69); 0: none at all.
    """

    id: int
    account_id: str
    name: str
    allocation_li_minutes: int
    limit_usd_micros: int


def check_name(name: str) -> str:
    """The name, with no space around it.

    Raises:
        BadDepartmentNameError: If it will not do.
    """
    wanted = unicodedata.normalize("NFC", name.strip())
    if not _NAME.fullmatch(wanted):
        raise BadDepartmentNameError(
            f"department name {name!r} will not do: 1-64 letters, digits, spaces and"
            " . , & ' + @ ( ) - would, beginning with a letter or a digit",
            department=name,
        )
    return wanted


def insert_department(
    conn: Connection, account_id: str, name: str, created_at: datetime
) -> Department:
    """Put a department on the register, with no allocation and no wallet.

    Raises:
        BadDepartmentNameError: If the name will not do.
        DepartmentExistsError: If the account has one of that name.
    """
    wanted = check_name(name)
    row = insert_once(
        conn,
        DEPARTMENTS,
        ["account_id", "folded_name"],
        {
            "account_id": account_id,
            "name": wanted,
            "folded_name": _folded(wanted),
            "allocation_li_minutes": 0,
            "limit_usd_micros": 0,
            "created_at": created_at,
        },
    )
    found = find_department(conn, account_id, wanted)
    if row is None:
        raise DepartmentExistsError(
            f"account {account_id} has a department {found.name!r} already; choose another name",
            account=account_id,
            department=found.name,
        )
    return found


def find_department(conn: Connection, account_id: str, name: str) -> Department:
    """The account's department of that name.

    Raises:
        UnknownDepartmentError: If there is none; names those that there are.
    """
    row = conn.execute(
        _DEPARTMENTS.where(
            DEPARTMENTS.c.account_id == account_id,
            DEPARTMENTS.c.folded_name == _folded(name.strip()),
        )
    ).one_or_none()
    if row is None:
        known = [each.name for each in list_departments(conn, account_id)]
        raise UnknownDepartmentError(
            f"account {account_id} has no department {name!r}{meant(name, known)}; "
            + (
                f"there are {', '.join(known)}"
                if known
                else f"loadmuster department add {account_id} NAME"
            ),
            account=account_id,
            department=name,
        )
    return _from(row)


def list_departments(conn: Connection, account_id: str) -> tuple[Department, ...]:
    """The account's departments, oldest first."""
    rows = conn.execute(_OF_ACCOUNT, {"of": account_id})
    return tuple(_from(row) for row in rows)


def set_terms(
    conn: Connection, department: Department, *, allocation_li_minutes: int, limit_usd_micros: int
) -> Department:
    """Change what a department gets and may spend."""
    conn.execute(
        DEPARTMENTS.update()
        .where(DEPARTMENTS.c.id == department.id)
        .values(allocation_li_minutes=allocation_li_minutes, limit_usd_micros=limit_usd_micros)
    )
    return find_department(conn, department.account_id, department.name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _from(row: Row[int, str, str, int, int]) -> Department:
    return Department(**row._asdict())
