"""How a scenario file names the program that puts its load on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec.structs import replace
from pydantic import AfterValidator, Field

from engine.readers.parsing.fields import ClassName, Line, Version, problem
from engine.readers.parsing.mapping import FileMapping
from engine.readers.program.scripts.gatling_source import SOURCES, simulation_load
from engine.readers.program.scripts.jmeter_plan import plan_load
from engine.readers.program.scripts.k6_options import options_load
from engine.scenario.program import LoadProgram, ProgramFile
from engine.scenario.script_load import ScriptLoad

ContentOf = Callable[[str], bytes]

_SCRIPT_CHARACTERS_MAX = 20_000


def _some_script(text: str) -> str:
    if not text.strip():
        raise problem("script", "is empty; write what sh is to run")
    if "\0" in text:
        raise problem("script", "holds a NUL character, which no shell takes")
    return text


def _path_below(text: str) -> str:
    """A path that stays in the scenario's folder, whatever is in it."""
    if not text.isprintable():
        raise problem("path", f"{text!r} is no file name; it holds control characters")
    parts = text.rstrip("/").split("/")
    if text.startswith("/") or "\\" in text or ".." in parts:
        raise problem("path", f"{text!r} leaves the scenario's folder; write a path below it")
    if "" in parts:
        raise problem("path", f"{text!r} is no path; write it like data/users.csv")
    return text


Script = Annotated[str, Field(max_length=_SCRIPT_CHARACTERS_MAX), AfterValidator(_some_script)]
PathBelow = Annotated[str, Field(max_length=1_000), AfterValidator(_path_below)]


class LocustEntry(FileMapping):
    """Locust, with another of its HTTP users than the fast one."""

    name: Literal["locust"]
    user: Literal["FastHttpUser", "HttpUser"] = Field(
        "FastHttpUser", description="HttpUser takes several times the processor for a request."
    )


class ProgramEntry(FileMapping):
    """What all programs have in common; each has the ``name`` of its engine's facts too."""

    if TYPE_CHECKING:
        # The fields of each program's own come last, and this one first among them.
        name: str

    files: list[PathBelow] = Field([], description="Files and folders that injectors are given.")
    prepare: Script | None = Field(
        None, description="What sh runs once on an injector, before it says that it is ready."
    )

    @property
    @abstractmethod
    def main(self) -> str:
        """What it plays, as ``LoadProgram.main``."""

    def main_files(self) -> Mapping[str, str]:
        """The files that it plays, by the field that names each; ``files`` are those beside."""
        return {}

    def script_load(self, names: Sequence[str], content_of: ContentOf) -> ScriptLoad | None:
        """What its script plays of its own; None: what it is told, as far as anybody knows.

        Args:
            names: Of the files that were found.
            content_of: What one of them holds.
        """
        del names, content_of
        return None

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """What injectors run, once all its files are found in the folder."""
        return LoadProgram(self.name, self.main, folder, files, self.prepare)


class CustomEntry(ProgramEntry):
    """Any command that writes its samples to a file."""

    name: Literal["custom"]
    command: Script = Field(description="What sh runs on every injector at the common start.")
    results: PathBelow = Field("results.csv", description="The file of samples that it writes.")

    @property
    def main(self) -> str:
        """The command."""
        return self.command

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """With the file of samples."""
        return replace(super().program(folder, files), results=_plain(self.results))


class K6Entry(ProgramEntry):
    """A k6 script, of which every injector plays an execution segment."""

    name: Literal["k6"]
    script: PathBelow
    version: Version | None = Field(None, description="The k6 that injectors fetch.")
    own_stages: bool = Field(
        default=False, description="The script's own stages or scenarios count, not load."
    )

    @property
    def main(self) -> str:
        """The script."""
        return _plain(self.script)

    def main_files(self) -> Mapping[str, str]:
        """The script."""
        return {"script": self.script}

    def script_load(self, names: Sequence[str], content_of: ContentOf) -> ScriptLoad | None:
        """What its options say, if they count; else k6 is told the load on its command line."""
        del names
        if not self.own_stages:
            return None
        return options_load(f"load_engine.script: {self.script}", content_of(self.main))

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """With the version, and whose load counts."""
        return replace(
            super().program(folder, files),
            version=self.version and self.version.removeprefix("v"),
            own_profile=self.own_stages,
        )


class JMeterEntry(ProgramEntry):
    """A JMeter test plan that takes its threads from properties."""

    name: Literal["jmeter"]
    plan: PathBelow

    @property
    def main(self) -> str:
        """The plan."""
        return _plain(self.plan)

    def main_files(self) -> Mapping[str, str]:
        """The plan."""
        return {"plan": self.plan}

    def script_load(self, names: Sequence[str], content_of: ContentOf) -> ScriptLoad | None:
        """What its thread groups say."""
        del names
        return plan_load(f"load_engine.plan: {self.plan}", content_of(self.main))


class GatlingEntry(ProgramEntry):
    """A Gatling simulation that takes its users from Java properties."""

    name: Literal["gatling"]
    simulation: ClassName = Field(description="Its class, with the package.")
    classpath: Line = Field("lib/*", description="Where Java finds Gatling and the simulation.")

    @property
    def main(self) -> str:
        """The class."""
        return self.simulation

    def script_load(self, names: Sequence[str], content_of: ContentOf) -> ScriptLoad | None:
        """What its source injects, if it is among the files."""
        sources = {name: content_of(name) for name in names if name.endswith(SOURCES)}
        return simulation_load(self.simulation, sources)

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """With the class path."""
        return replace(super().program(folder, files), classpath=self.classpath)


def _plain(path: str) -> str:
    return Path(path).as_posix()
