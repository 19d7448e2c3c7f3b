"""How a scenario file names the program that puts its load on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from engine.readers.fields import ClassName, Line, Version, problem
from engine.readers.mapping import FileMapping
from engine.scenario.program import ProgramKind

_EXAMPLES: dict[str, str] = {
    ProgramKind.CUSTOM: "{name: custom, command: python3 load.py, files: [load.py]}",
    ProgramKind.K6: "{name: k6, script: checkout.js}",
    ProgramKind.JMETER: "{name: jmeter, plan: checkout.jmx}",
    ProgramKind.GATLING: "{name: gatling, simulation: shop.Checkout}",
}
_SCRIPT_CHARACTERS_MAX = 20_000


def _more_than_a_name(value: object) -> object:
    example = _EXAMPLES.get(value) if isinstance(value, str) else None
    if example is not None:
        raise problem("load_engine", f"{value} needs more than its name; write {example}")
    return value


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
    """What all programs have in common."""

    files: list[PathBelow] = Field([], description="Files and folders that injectors are given.")
    prepare: Script | None = Field(
        None, description="What sh runs once on an injector, before it says that it is ready."
    )


class CustomEntry(ProgramEntry):
    """Any command that writes its samples to a file."""

    name: Literal["custom"]
    command: Script = Field(description="What sh runs on every injector at the common start.")
    results: PathBelow = Field("results.csv", description="The file of samples that it writes.")


class K6Entry(ProgramEntry):
    """A k6 script, of which every injector plays an execution segment."""

    name: Literal["k6"]
    script: PathBelow
    version: Version | None = Field(None, description="The k6 that injectors fetch.")
    own_stages: bool = Field(
        default=False, description="The script's own stages or scenarios count, not load."
    )


class JMeterEntry(ProgramEntry):
    """A JMeter test plan that takes its threads from properties."""

    name: Literal["jmeter"]
    plan: PathBelow


class GatlingEntry(ProgramEntry):
    """A Gatling simulation that takes its users from Java properties."""

    name: Literal["gatling"]
    simulation: ClassName = Field(description="Its class, with the package.")
    classpath: Line = Field("lib/*", description="Where Java finds Gatling and the simulation.")


def _kind(value: object) -> str | None:
    if not isinstance(value, dict):
        return "<locust>"
    name = value.get("name")
    if name == "locust":
        return "<locust user>"
    return f"<{name}>" if isinstance(name, str) and name in _EXAMPLES else None


LoadEngineEntry = Annotated[
    Annotated[Literal["locust"], BeforeValidator(_more_than_a_name), Tag("<locust>")]
    | Annotated[LocustEntry, Tag("<locust user>")]
    | Annotated[CustomEntry, Tag("<custom>")]
    | Annotated[K6Entry, Tag("<k6>")]
    | Annotated[JMeterEntry, Tag("<jmeter>")]
    | Annotated[GatlingEntry, Tag("<gatling>")],
    Discriminator(
        _kind,
        custom_error_type="loadmuster_load_engine",
        custom_error_message="is no load engine; its name is locust, custom, k6, jmeter or gatling",
    ),
]
