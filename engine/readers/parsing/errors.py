"""What can be wrong with a scenario file."""

from __future__ import annotations

from kernel.errors import BadInputError


class UnreadableSourceError(BadInputError):
    """The file cannot be opened, or is nothing that a scenario could be; facts: ``file``."""

    code = "unreadable_source"


class UnknownFormatError(BadInputError):
    """No reader has the name of the format; facts: ``file``, ``format``."""

    code = "unknown_format"


class BadScenarioError(BadInputError):
    """The content is wrong somewhere; facts: ``file``, ``field``, ``line``."""

    code = "bad_scenario"


class BadSettingsError(BadInputError):
    """Placeholders without a value, or values without a placeholder; facts: ``file``, ``names``."""

    code = "bad_settings"


def bad_scenario(
    file: str, problem: str, *, field: str | None = None, line: int | None = None
) -> BadScenarioError:
    """The error whose line reads ``file:line: field: problem``, as compilers write it."""
    place = file if line is None else f"{file}:{line}"
    message = f"{place}: {problem}" if field is None else f"{place}: {field}: {problem}"
    return BadScenarioError(message, file=file, field=field, line=line)
