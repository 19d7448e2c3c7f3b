"""The name that a card goes by: the payment channel's own, and never the number on it.

Whoever keeps card numbers is bound by the card networks' rules (PCI DSS 3.5: a stored number is
unreadable); here none is taken, and none is repeated in a message, a log or a request's record. The
rehearsed gateway's test cards are known by their exact names: a slip would pay.
"""

from __future__ import annotations

import re

from kernel.errors import BadInputError
from kernel.near_names import near_names
from pricing.payments.gateway import DECLINES, DELAYS, LOST

TEST_CARDS = (DECLINES, LOST, DELAYS)
CARD_LETTERS_MAX = 200
"""Names of cards are tokens: Stripe's have 28 letters, Adyen's 16, signed ones up to 200."""

WOULD_BE_RIGHT = "the payment channel's own name for the card, such as tok_1234, would be right"

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ .\-](?=\d)")
_NUMBER = re.compile(r"(?<!\d)\d{12,19}(?!\d)")
"""Card numbers have 12 to 19 digits (ISO/IEC 7812)."""

_TEST = re.compile(r"test\W", re.IGNORECASE)
_ALIKE = 0.85


class BadCardError(BadInputError):
    """What is given is no name of a card; no facts, since it may be a number."""

    code = "bad_card"


def check_card(card: str) -> None:
    """Refuse what is no name of a card.

    Raises:
        BadCardError: It is empty, has blanks or is too long; it is a card's number; or it is a slip
            of a test card's name.
    """
    if _holds_number(card):
        raise BadCardError(
            f"card: that is a card's number, which is neither taken nor kept; {WOULD_BE_RIGHT}"
        )
    if _is_test_slip(card):
        raise BadCardError(
            f"card: no test card is called that; {', '.join(TEST_CARDS[:-1])} and {TEST_CARDS[-1]}"
            " are known"
        )
    if not card or len(card) > CARD_LETTERS_MAX or not card.isprintable() or " " in card:
        what = f"it is one word of {CARD_LETTERS_MAX} letters at most" if card else "it is empty"
        raise BadCardError(f"card: {what}; {WOULD_BE_RIGHT}")


def _holds_number(card: str) -> bool:
    """Whether a card's number stands in it, whatever stands around it and between its digits."""
    joined = _BETWEEN_DIGITS.sub("", card).strip()
    # Digits alone with a slip among them are nearly somebody's number.
    return _NUMBER.fullmatch(joined) is not None or any(
        _is_checked(digits) for text in (card, joined) for digits in _NUMBER.findall(text)
    )


def _is_checked(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812-1)."""
    doubled = [int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits))]
    return sum(each // 10 + each % 10 for each in doubled) % 10 == 0


def _is_test_slip(card: str) -> bool:
    if card in TEST_CARDS:
        return False
    name = card.strip().lower()
    plain = [each.partition(":")[2] for each in TEST_CARDS]
    return (
        _TEST.match(name) is not None
        or name in plain
        or (name.startswith("test") and bool(near_names(name, TEST_CARDS, alike=_ALIKE)))
    )
