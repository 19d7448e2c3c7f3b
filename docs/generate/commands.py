"""The reference of the command line, from the tree of click commands."""

from __future__ import annotations

from collections.abc import Iterator

import click

from docs.generate.markdown import anchor, code, one_line, table
from kernel.errors import (
    BadInputError,
    InvariantBrokenError,
    LoadmusterError,
    ProviderFailedError,
    RefusedError,
)
from loadmuster.cli.main import cli
from loadmuster.cli.run_session import CANCELLED_ELSEWHERE, INTERRUPTED, NOT_VALID

PROGRAM = "loadmuster"
BRANCHES: tuple[type[LoadmusterError], ...] = (
    BadInputError,
    RefusedError,
    ProviderFailedError,
    InvariantBrokenError,
)
HEAD = f"""# Commands

Every command takes the [global options](#global-options), before or after its name, and ends with
one of these codes. With `--json` it prints one JSON document on standard output, and messages and
progress on standard error. `python -m {PROGRAM}` is the same program.

## Exit codes
"""


def commands_page() -> str:
    """One section for each command, with its arguments and options."""
    found = list(walk(click.Context(cli, info_name=PROGRAM)))
    everywhere = {name for each in cli.params for name in each.opts}
    parts = [HEAD, _exit_codes(), "\n## Global options\n", _options(cli.params)]
    parts += ["\n## All commands\n", _overview(found)]
    parts += [_section(path, ctx, everywhere) for path, ctx in found]
    return "\n".join(parts) + "\n"


def walk(ctx: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Every command below a context, by its whole name, groups before what they hold."""
    group = ctx.command
    assert isinstance(group, click.Group), group
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None, name
        below = click.Context(command, info_name=name, parent=ctx)
        yield below.command_path, below
        if isinstance(command, click.Group):
            yield from walk(below)


def _exit_codes() -> str:
    rows = [("0", "", "Done.")]
    rows += [(str(each.exit_code), code(each.code), one_line(each.__doc__)) for each in BRANCHES]
    rows += [
        (str(NOT_VALID), "", "Of `run`: it was completed, but its result is not valid."),
        (str(CANCELLED_ELSEWHERE), "", "Of `run`: cancelled by another command, or by a signal."),
        (str(INTERRUPTED), "", "Ended by Ctrl-C before it was done."),
        ("143, 129", "", "Ended by SIGTERM, or by a closed terminal, before it was done."),
    ]
    head = table(("code", "kind", "means"), rows)
    return f"{head}\n\nEach kind has [leaves of its own](errors.md), which `--json` names.\n"


def _overview(found: list[tuple[str, click.Context]]) -> str:
    rows = (
        (f"[{code(path)}](#{anchor(path)})", one_line(ctx.command.get_short_help_str(200)))
        for path, ctx in found
    )
    return table(("command", "does"), rows) + "\n"


def _section(path: str, ctx: click.Context, everywhere: set[str]) -> str:
    command = ctx.command
    own = [each for each in command.params if not set(each.opts) & everywhere]
    usage = " ".join([path, *command.collect_usage_pieces(ctx)])
    parts = [f"\n## {path}\n", f"```text\n{usage}\n```\n", _help(command)]
    if any(isinstance(each, click.Option) for each in own):
        parts.append(_options(own))
    if isinstance(command, click.Group):
        names = (f"{path} {name}" for name in command.list_commands(ctx))
        parts.append("Its commands: " + ", ".join(f"[{n}](#{anchor(n)})" for n in names) + ".\n")
    return "\n".join(parts)


def _help(command: click.Command) -> str:
    # click marks paragraphs that it must not wrap, and the end of what is shown.
    text = (command.help or "").partition("\f")[0].replace("\b\n", "")
    return "\n".join(line.strip() for line in text.splitlines()) + "\n"


def _options(params: list[click.Parameter]) -> str:
    rows = [_option(each) for each in params if isinstance(each, click.Option) and not each.hidden]
    return table(("option", "value", "does"), rows) + "\n"


def _option(option: click.Option) -> tuple[str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.multiple:
        notes.append("May be given several times.")
    if option.envvar:
        notes.append(f"Or the variable {code(str(option.envvar))}.")
    if option.show_default and option.default is not None:
        notes.append(f"Default: {code(str(option.default))}.")
    return names, _value(option), " ".join(notes)


def _value(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        return ", ".join(code(str(each)) for each in option.type.choices)
    if isinstance(option.type, click.IntRange | click.FloatRange) and option.metavar is None:
        return _range(option.type)
    return code(option.make_metavar(click.Context(click.Command("x"))))


def _range(numbers: click.IntRange | click.FloatRange) -> str:
    words = ["whole number" if isinstance(numbers, click.IntRange) else "number"]
    if numbers.min is not None:
        words.append(f"{'above' if numbers.min_open else 'at least'} {numbers.min:g}")
    if numbers.max is not None:
        words.append(f"{'below' if numbers.max_open else 'at most'} {numbers.max:g}")
    return ", ".join(words)
