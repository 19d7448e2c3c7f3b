"""Placeholders: ``${NAME}`` and ``${NAME:-default}`` in a scenario file.

``$${NAME}`` stands for the text ``${NAME}`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from engine.readers.parsing.errors import BadSettingsError

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PLACEHOLDER = re.compile(rf"\$(?P<escape>\$)?\{{(?P<name>{_NAME})(?::-(?P<default>[^{{}}]*))?\}}")


_SETTING = re.compile(rf"({_NAME})=(.*)", re.DOTALL)

Settings = Mapping[str, str] | Iterable[str]
"""Values by name, or texts of the form ``NAME=VALUE``; of a name given twice, the last counts."""


class Placeholders:
    """Fills placeholders in text after text, and remembers which names occurred.

    Args:
        settings: A value here goes before a placeholder's default.

    Raises:
        BadSettingsError: A text is not ``NAME=VALUE``.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings if isinstance(settings, Mapping) else _parse(settings)
        self._seen: set[str] = set()
        self._missing: set[str] = set()

    def fill(self, text: str) -> str:
        """The text with its placeholders replaced; one without a value stays as it is."""
        return _PLACEHOLDER.sub(self._value, text) if "${" in text else text

    def is_one(self, text: str) -> bool:
        """Whether the text is nothing but one placeholder."""
        match = _PLACEHOLDER.fullmatch(text)
        return match is not None and not match["escape"]

    def require_settled(self, file: str) -> None:
        """Refuse a file whose placeholders lack values, and values that no placeholder takes.

        Raises:
            BadSettingsError: Naming all of them.
        """
        if self._missing:
            names = ", ".join(sorted(self._missing))
            example = min(self._missing)
            raise BadSettingsError(
                f"{file}: no value for {names}; give --set {example}=..., "
                f"or write ${{{example}:-default}} in the file",
                file=file,
                names=names,
            )
        if unused := self._settings.keys() - self._seen:
            names = ", ".join(sorted(unused))
            known = ", ".join(sorted(self._seen)) or "none"
            raise BadSettingsError(
                f"{file}: --set {names}: the file has no such placeholder; it has: {known}",
                file=file,
                names=names,
            )

    def _value(self, match: re.Match[str]) -> str:
        if match["escape"]:
            return match[0][1:]
        name, default = match["name"], match["default"]
        self._seen.add(name)
        value = self._settings.get(name, default)
        if value is None:
            self._missing.add(name)
            return match[0]
        return value


def _parse(texts: Iterable[str]) -> dict[str, str]:
    settings = {}
    for text in texts:
        match = _SETTING.fullmatch(text)
        if match is None:
            raise BadSettingsError(
                f"--set: {text!r} is no setting; write it like NAME=VALUE", names=text
            )
        settings[match[1]] = match[2]
    return settings
