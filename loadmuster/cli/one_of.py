"""Options of which a command takes one: two forms of output, two ways to say the same."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.core import ParameterSource

from kernel.errors import BadInputError

JSON = "--json"


def check_one_of(
    context: click.Context, groups: Iterable[tuple[str, ...]], *, is_json: bool
) -> None:
    """Whether at most one option of each group was typed.

    Args:
        context: Of a command line that was parsed.
        groups: Options by their long names, as ``("--csv", "--focus", "--json")``.
        is_json: Whether ``--json`` counts as typed, wherever it stood.

    Raises:
        BadInputError: Two of a group were typed; names both.
    """
    typed = {
        name
        for each in context.command.params
        if context.get_parameter_source(each.name or "") is ParameterSource.COMMANDLINE
        for name in each.opts
    } - {JSON}
    if is_json:
        typed.add(JSON)
    for group in groups:
        given = [name for name in group if name in typed]
        if len(given) > 1:
            raise BadInputError(
                f"{given[0]} and {given[1]} contradict each other; choose one",
                option=given[1],
            )
