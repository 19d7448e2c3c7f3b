"""How a scenario file names the program that puts its load on.

What reads a program's own script is imported by the entry that has one: most scenarios have none.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from msgspec.structs import replace
from pydantic import AfterValidator, Field, model_validator

from engine.load_engines import LOCUST
from engine.readers.parsing.fields import ClassName, Line, Version, problem
from engine.readers.parsing.mapping import FileMapping
from engine.readers.program.found import FoundFiles
from engine.scenario.program import LoadProgram, ProgramFile
from engine.scenario.script_load import ScriptLoad
from kernel.extras import is_installed

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
    def is_program(self) -> bool:
        """Whether there is one at all."""
        return True

    @property
    @abstractmethod
    def main(self) -> str:
        """What it plays, as ``LoadProgram.main``."""

    def main_files(self) -> Mapping[str, str]:
        """The files that it plays, by the field that names each; ``files`` are those beside."""
        return {}

    def script_load(self, files: FoundFiles) -> ScriptLoad | None:
        """What its script plays of its own; None: what it is told, as far as anybody knows.

        Raises:
            ValueError: A file cannot be what the entry says it is; one line.
        """
        del files
        return None

    def own_host(self, files: FoundFiles) -> str | None:
        """The base URL that its script is for; None: it does not say.

        Raises:
            ValueError: As ``script_load``.
        """
        del files
        return None

    def has_own_profile(self, script_load: ScriptLoad | None) -> bool:
        """Whether the script's own load is played, and not the scenario's."""
        del script_load
        return False

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """What injectors run, once all its files are found in the folder."""
        return LoadProgram(self.name, self.main, folder, files, self.prepare)


class LocustEntry(ProgramEntry):
    """Locust: the scenario's users with another of its HTTP users, or somebody's own locustfile."""

    name: Literal["locust"]
    user: Literal["FastHttpUser", "HttpUser"] = Field(
        "FastHttpUser", description="HttpUser takes several times the processor for a request."
    )
    locustfile: PathBelow | None = Field(
        None, description="Users, tasks and perhaps a shape of your own, played as they are."
    )

    @model_validator(mode="after")
    def _whose_users(self) -> Self:
        if self.locustfile is None and (self.files or self.prepare is not None):
            raise problem("locust", "files and prepare are a locustfile's; name it in locustfile:")
        if self.locustfile is not None and "user" in self.model_fields_set:
            raise problem("locust", "a locustfile has users of its own; leave user or it out")
        if self.locustfile is not None and not self.locustfile.endswith(".py"):
            raise problem(
                "locust", f"{self.locustfile!r} is no Python file; its name ends with .py"
            )
        return self

    @property
    def is_program(self) -> bool:
        """Whether it plays a locustfile."""
        return self.locustfile is not None

    @property
    def main(self) -> str:
        """The locustfile."""
        assert self.locustfile is not None, "asked of a locustfile only"
        return _plain(self.locustfile)

    def main_files(self) -> Mapping[str, str]:
        """The locustfile."""
        return {} if self.locustfile is None else {"locustfile": self.locustfile}

    def script_load(self, files: FoundFiles) -> ScriptLoad | None:
        """What its shape plays, if it has one; only then is anything run."""
        from engine.readers.program.scripts.locustfile import SHAPE

        named = SHAPE.encode()
        if not any(named in files.content(name) for name in files.names if name.endswith(".py")):
            return None
        from engine.readers.program.scripts.shape import REMEDY, shape_load

        where = f"load_engine.locustfile: {self.locustfile}"
        if not is_installed(LOCUST.name):
            return ScriptLoad(where, REMEDY)
        return shape_load(where, files.folder, self.main, os.environ)

    def own_host(self, files: FoundFiles) -> str | None:
        """The host that its user classes name."""
        from engine.readers.program.scripts.locustfile import own_host

        return own_host(self.main, files.content(self.main))

    def has_own_profile(self, script_load: ScriptLoad | None) -> bool:
        """As Locust does: where there is a shape, it is played."""
        return script_load is not None


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

    def script_load(self, files: FoundFiles) -> ScriptLoad | None:
        """What its options say, if they count; else k6 is told the load on its command line."""
        if not self.own_stages:
            return None
        from engine.readers.program.scripts.k6_options import options_load

        return options_load(f"load_engine.script: {self.script}", files.content(self.main))

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """With the version."""
        return replace(
            super().program(folder, files),
            version=self.version and self.version.removeprefix("v"),
        )

    def has_own_profile(self, script_load: ScriptLoad | None) -> bool:
        """If the scenario says so."""
        del script_load
        return self.own_stages


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

    def script_load(self, files: FoundFiles) -> ScriptLoad | None:
        """What its thread groups say."""
        from engine.readers.program.scripts.jmeter_plan import plan_load

        return plan_load(f"load_engine.plan: {self.plan}", files.content(self.main))


class GatlingEntry(ProgramEntry):
    """A Gatling simulation that takes its users from Java properties."""

    name: Literal["gatling"]
    simulation: ClassName = Field(description="Its class, with the package.")
    classpath: Line = Field("lib/*", description="Where Java finds Gatling and the simulation.")

    @property
    def main(self) -> str:
        """The class."""
        return self.simulation

    def script_load(self, files: FoundFiles) -> ScriptLoad | None:
        """What its source injects, if it is among the files."""
        from engine.readers.program.scripts.gatling_source import SOURCES, simulation_load

        sources = {each: files.content(each) for each in files.names if each.endswith(SOURCES)}
        return simulation_load(self.simulation, sources)

    def program(self, folder: str, files: tuple[ProgramFile, ...]) -> LoadProgram:
        """With the class path."""
        return replace(super().program(folder, files), classpath=self.classpath)


def _plain(path: str) -> str:
    return Path(path).as_posix()
