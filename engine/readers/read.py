"""Reading a scenario from a file, with what the command line overrides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.readers.overrides import NO_WISHES, overridden
from engine.readers.parsing.placeholders import Placeholders, Settings
from engine.readers.parsing.source import name_of, read_source
from engine.readers.registry import READERS, Reader, reader_named, reader_of
from engine.scenario import MachineWishes, Scenario


def read_scenario(  # noqa: PLR0913 - one keyword for each thing that a command line overrides
    source: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the name of the option
    settings: Settings = (),
    users: int | None = None,
    duration_s: int | None = None,
    injectors: int | None = None,
    users_per_injector: int | None = None,
    iteration_s: float | None = None,
    regions: Sequence[str] = (),
    machines: MachineWishes = NO_WISHES,
    readers: Sequence[Reader] = READERS,
) -> Scenario:
    """Read a load test and apply the overrides.

    Args:
        source: Path of the file; ``-`` is standard input.
        format: The name of one of the readers, if the content is not to decide.
        settings: Values for the file's placeholders ``${NAME}``, by name or as ``NAME=VALUE``.
        users: The peak: the shape of the load is kept and scaled. For an open model, which has no
            users of its own, at most so many at once.
        duration_s: The length: the shape of the load is kept and stretched.
        injectors: A fixed number of standard injectors; replaces a fixed payload in the file.
        users_per_injector: A fixed payload; replaces a fixed number of injectors in the file.
        iteration_s: How long one user of an open model stays.
        regions: Where the load comes from, in equal shares; replaces the file's.
        machines: Which machines may be taken; what is given replaces the file's.
        readers: Which kinds of files there are.

    Raises:
        UnreadableSourceError, UnknownFormatError, BadScenarioError, BadSettingsError: One line
            each, with the file and the line or field.
        BadInputError: An override makes no sense.
    """
    file = name_of(source)
    reader = None if format is None else reader_named(format, file, readers)
    placeholders = Placeholders(settings)
    text = read_source(Path(source))
    reader = reader or reader_of(text, file, readers)
    scenario = reader.read(text, file, placeholders)
    placeholders.require_settled(file)
    return overridden(
        scenario,
        users=users,
        duration_s=duration_s,
        injectors=injectors,
        users_per_injector=users_per_injector,
        iteration_s=iteration_s,
        regions=regions,
        machines=machines,
    )
