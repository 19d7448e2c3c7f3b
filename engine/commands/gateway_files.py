"""A payment gateway's movements as a CSV file, as operators download or write it.

    key,kind,amount,currency,at,fee,id
    4f0c19d2ab7e:subscription:1:period:3:1,payment,199.00,USD,2026-11-25T09:15:00Z,6.07,txn_1

``fee`` and ``id`` may be missing, and other columns may stand beside them. It is read line by line,
with bounds: the file is somebody else's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from kernel.errors import BadInputError
from kernel.words import counted
from pricing.money import MICROS_PER_USD, USD_MAX
from pricing.payments.movements import Movement, MovementKind
from pricing.periods import check_year

NEEDED = ("key", "kind", "amount", "currency", "at")
ALSO = ("fee", "id")
LINE_BYTES_MAX = 65_536
WORD_LETTERS_MAX = 300
SEPARATORS = (",", ";", "\t")
KINDS: Mapping[str, MovementKind] = {
    **{str(kind): kind for kind in MovementKind},
    # As Stripe calls them in its balance reports:
    # https://docs.stripe.com/reports/reporting-categories
    "charge": MovementKind.PAYMENT,
    "refund_failure": MovementKind.REFUND_RETURNED,
    "dispute_reversal": MovementKind.DISPUTE_WON,
}


class GatewayFileError(BadInputError):
    """A file is no list of a gateway's movements; facts: ``file``, ``line``."""

    code = "gateway_file"


def read_movements(path: Path) -> Iterator[Movement]:
    """The movements of a file, in its order.

    Raises:
        GatewayFileError: It cannot be read, or a line of it is no movement.
    """
    try:
        with path.open("rb") as file:
            yield from _movements(path, file)
    except OSError as error:
        raise GatewayFileError(
            f"{path}: {error.strerror}; a CSV file of the gateway's movements would be right",
            file=str(path),
            line=None,
        ) from error


def _movements(path: Path, file: BinaryIO) -> Iterator[Movement]:
    lines = _lines(path, file)
    first = next(lines, "")
    separator = next((each for each in SEPARATORS if each in first), ",")
    names = [name.strip().lower() for name in next(csv.reader([first], delimiter=separator), [])]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise _wrong(path, 1, f"there is no column {missing[0]!r}; {', '.join(NEEDED)} are needed")
    doubled = next((name for name in (*NEEDED, *ALSO) if names.count(name) > 1), None)
    if doubled is not None:
        raise _wrong(path, 1, f"there are two columns {doubled!r}; one would be right")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if cells:
                yield _movement(path, reader.line_num + 1, names, cells)
    except csv.Error as error:
        raise _wrong(path, reader.line_num + 1, f"it is no CSV: {error}") from error


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    number, encoding = 0, "utf-8-sig"
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise _wrong(path, number, f"it has more than {LINE_BYTES_MAX} bytes")
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise _wrong(path, number, "it is no UTF-8") from error
        if "\0" in text:
            raise _wrong(path, number, "it has a NUL in it")
        encoding = "utf-8"
        yield text


def _movement(path: Path, line: int, names: Sequence[str], cells: Sequence[str]) -> Movement:
    if len(cells) != len(names):
        raise _wrong(
            path, line, f"it has {counted(len(cells), 'cell')}, and the first line {len(names)}"
        )
    row = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    long = next((name for name in (*NEEDED, "id") if len(row.get(name, "")) > WORD_LETTERS_MAX), "")
    if long:
        raise _wrong(path, line, f"its {long} has more than {WORD_LETTERS_MAX} letters")
    kind = KINDS.get(row["kind"].lower())
    if kind is None:
        raise _wrong(path, line, f"the kind {_shown(row['kind'])} is none of {', '.join(KINDS)}")
    currency = row["currency"].upper()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):  # noqa: PLR2004 - ISO 4217
        raise _wrong(path, line, f"{_shown(currency)} is no currency; write it like USD")
    micros = abs(_micros(path, line, "amount", row["amount"]))
    if not micros:
        raise _wrong(path, line, "its amount is nothing")
    fee = _micros(path, line, "fee", row.get("fee") or "0")
    at = _instant(path, line, row["at"])
    return Movement(row["key"], kind, micros, currency, at, fee, row.get("id", ""))


def _micros(path: Path, line: int, name: str, text: str) -> int:
    try:
        amount = Decimal(text)
        micros = amount * MICROS_PER_USD
        if amount.is_finite() and abs(amount) <= USD_MAX and micros == micros.to_integral_value():
            return int(micros)
    except ArithmeticError:
        pass
    raise _wrong(path, line, f"its {name} {_shown(text)} is no amount; write it like 199.00")


def _instant(path: Path, line: int, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        check_year(at.year, where="the instant")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, BadInputError) as error:
        raise _wrong(
            path, line, f"{_shown(text)} is no instant; write it like 2026-11-25T09:15:00Z"
        ) from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004 - one line


def _wrong(path: Path, line: int, what: str) -> GatewayFileError:
    return GatewayFileError(f"{path}, line {line}: {what}", file=str(path), line=line)
