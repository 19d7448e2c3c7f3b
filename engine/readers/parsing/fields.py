"""Field types of scenario files: lengths of time, pauses, shares and bounded numbers.

Each takes what people write, checks it with one clear sentence, and tells editors its pattern.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from engine.scenario.profile import USERS_MAX
from kernel.durations import parse_duration_s
from kernel.errors import BadInputError

ARRIVALS_PER_S_MAX = 10_000_000
BYTES_MAX = 10_000_000_000
PAUSE_S_MAX = 86_400

_PAUSE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s)?")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)\s*%")
_FRACTION = re.compile(r"[01](?:\.[0-9]{1,18})?")


def problem(kind: str, text: str) -> PydanticCustomError:
    """An error of one sentence; it goes in as a value, as braces would be taken for a template."""
    return PydanticCustomError("loadmuster_" + kind, "{problem}", {"problem": text})


def _duration_s(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise problem("duration", "must be a length of time such as 90s, 10m or 1h30m")
    try:
        return parse_duration_s(str(value), where="")
    except BadInputError as error:
        raise problem("duration", error.message.removeprefix(": ")) from None


def _ramp_s(value: object) -> int:
    seconds = _duration_s(value)
    if seconds == 0:
        raise problem("ramp", "a ramp takes time; to go to a level at once, write {jump_to: ...}")
    return seconds


def _pause_s(value: object) -> float:
    match = None if isinstance(value, bool) else _PAUSE.fullmatch(str(value).strip())
    if match is None:
        return float(_duration_s(value))
    seconds = float(match[1])
    return seconds / 1_000 if match[2] == "ms" else seconds


def _share(value: object) -> Decimal:
    text = "" if isinstance(value, bool) else str(value).strip()
    if match := _PERCENT.fullmatch(text):
        share = Decimal(match[1]) / 100
    else:
        share = Decimal(text) if _FRACTION.fullmatch(text) else Decimal(0)
    if not 0 < share <= 1:
        raise problem("share", f"{value!r} is not a share of the load; write it like 60% or 0.6")
    return share


def _body(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _text_or_number_schema(pattern: str, description: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": pattern}, {"type": "number", "minimum": 0}],
            "description": description,
        }
    )


Duration = Annotated[
    int,
    Field(gt=0),
    BeforeValidator(_duration_s),
    _text_or_number_schema(
        r"^\s*([0-9.]+\s*[dhms]?\s*)+$",
        "A length of time: 90s, 10m, 1h30m; a bare number is seconds.",
    ),
]
RampTime = Annotated[Duration, BeforeValidator(_ramp_s)]
Pause = Annotated[
    float,
    Field(le=PAUSE_S_MAX),
    BeforeValidator(_pause_s),
    _text_or_number_schema(
        r"^\s*([0-9.]+\s*(ms|[dhms])?\s*)+$",
        "A short time: 500ms, 1.5s, 2m; a bare number is seconds.",
    ),
]
Share = Annotated[
    Decimal,
    BeforeValidator(_share),
    _text_or_number_schema(
        r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$", "A share of the load: 60% or 0.6; all sum to 100%."
    ),
]
Body = Annotated[
    str,
    BeforeValidator(_body),
    WithJsonSchema(
        {
            "type": ["string", "object", "array"],
            "description": "What is sent: text, or a mapping or list that is sent as JSON.",
        }
    ),
]
Count = Annotated[int, Field(ge=1, le=USERS_MAX)]
UserLevel = Annotated[int, Field(ge=0, le=USERS_MAX)]
ArrivalLevel = Annotated[float, Field(ge=0, le=ARRIVALS_PER_S_MAX, allow_inf_nan=False)]
Size = Annotated[int, Field(ge=0, le=BYTES_MAX)]

_LINE = r"^\S[^\r\n]*$"
_PATH = r"^/\S*$"
_URL = r"^[a-z][a-z0-9+.-]*://[^\s/]\S*$"
_REGION = r"^[a-z0-9*][a-z0-9*-]{0,62}$"
_CLASS = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
_VERSION = r"^v?[0-9]+\.[0-9]+\.[0-9]+$"
WHAT_FITS = {
    _LINE: "must be one line of text",
    _PATH: "must be a path such as /products?page=2",
    _URL: "must be a URL such as https://shop.example.com",
    _REGION: "must be the name of a region such as us-east-1",
    _CLASS: "must be a class with its package, such as shop.Checkout",
    _VERSION: "must be a version such as 1.3.0",
}
"""What to write, by the pattern that was not matched."""

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
UrlPath = Annotated[str, Field(max_length=8_000, pattern=_PATH)]
Url = Annotated[str, Field(max_length=2_000, pattern=_URL)]
RegionName = Annotated[str, Field(pattern=_REGION)]
ClassName = Annotated[str, Field(max_length=500, pattern=_CLASS)]
Version = Annotated[str, Field(max_length=50, pattern=_VERSION)]
