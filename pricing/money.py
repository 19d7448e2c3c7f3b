"""Money: integer micro-dollars inside, decimal dollars at the edges.

Prices per hour and per gigabyte have up to six decimals, so a micro-dollar holds every published
price exactly. Amounts are computed in micro-dollars and rounded to whole cents once, when they are
charged, half up. There is no floating point anywhere in a price.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from kernel.errors import BadInputError

MICROS_PER_USD = 1_000_000
MICROS_PER_CENT = 10_000
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3_600
USD_MAX = 10**12
"""No amount that anybody writes down is larger."""

SHOWN_LETTERS = 40
BYTES_PER_GB = 10**9
"""As clouds and services bill what is sent."""


def usd_micros(text: str | Decimal, *, where: str = "amount") -> int:
    """Micro-dollars of a decimal amount in dollars.

    Raises:
        BadInputError: If it is no amount, finer than a micro-dollar, or above ``USD_MAX``.
    """
    try:
        usd = Decimal(text)
        if usd.is_finite() and abs(usd) > USD_MAX:
            raise BadInputError(
                f"{where}: {_shown(text)} is more than {USD_MAX:,} US dollars; is it a typo?",
                where=where,
                value=_shown(text),
            )
        micros = usd * MICROS_PER_USD
        is_amount = micros.is_finite()
        exact = is_amount and micros == micros.to_integral_value()
    except ArithmeticError:
        is_amount = exact = False
    if is_amount and not exact:
        nearest = format_usd(int(micros.to_integral_value(ROUND_HALF_UP)))
        raise BadInputError(
            f"{where}: {_shown(text)} is finer than a millionth of a US dollar, which is the least"
            f" that is counted; {nearest} would be the nearest",
            where=where,
            value=str(text)[:SHOWN_LETTERS],
        )
    if not exact:
        raise BadInputError(
            f"{where}: {_shown(text)} is not an amount in US dollars; write it like 12.50",
            where=where,
            value=str(text)[:SHOWN_LETTERS],
        )
    return int(micros)


def price_usd_micros(text: str | Decimal, *, where: str = "amount") -> int:
    """Micro-dollars of a decimal amount in dollars that is a price or a limit.

    Raises:
        BadInputError: As ``usd_micros``, and if it is below 0.
    """
    micros = usd_micros(text, where=where)
    if micros < 0:
        raise BadInputError(
            f"{where}: a price is 0 or more, not {_shown(text)}", where=where, value=_shown(text)
        )
    return micros


def _shown(text: str | Decimal) -> str:
    shown = str(text)
    return repr(shown if len(shown) <= SHOWN_LETTERS else f"{shown[:SHOWN_LETTERS]}...")


def to_cents_half_up(amount_usd_micros: int) -> int:
    """The amount rounded to whole cents, half away from zero, still in micro-dollars."""
    cents = (Decimal(amount_usd_micros) / MICROS_PER_CENT).to_integral_value(ROUND_HALF_UP)
    return int(cents) * MICROS_PER_CENT


def divide_half_up(numerator: int, denominator: int) -> int:
    """Integer quotient of non-negative numbers, rounded half up."""
    assert numerator >= 0, numerator
    assert denominator > 0, denominator
    return (2 * numerator + denominator) // (2 * denominator)


def format_usd(amount_usd_micros: int, *, at_least_decimals: int = 2) -> str:
    """Decimal dollars as text: at least two decimals, more only where the amount has them."""
    sign = "-" if amount_usd_micros < 0 else ""
    whole, fraction = divmod(abs(amount_usd_micros), MICROS_PER_USD)
    decimals = f"{fraction:06d}".rstrip("0").ljust(at_least_decimals, "0")
    return f"{sign}{whole}.{decimals}"


def format_cents(amount_usd_micros: int) -> str:
    """Decimal dollars rounded half up to cents, always with two decimals."""
    return format_usd(to_cents_half_up(amount_usd_micros))
