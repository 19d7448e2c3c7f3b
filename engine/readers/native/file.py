"""The shape of loadmuster's own scenario files, checked by pydantic.

These models are the rim: they say what a file may hold, in which units, and what an editor offers
while one writes it. ``engine.readers.native.reader`` turns what passed into frozen values.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from engine.readers.native.load_engine_entry import LoadEngineEntry
from engine.readers.parsing.fields import (
    ArrivalLevel,
    Body,
    Count,
    Duration,
    Line,
    Pause,
    RampTime,
    RegionName,
    Share,
    Size,
    Url,
    UrlPath,
    UserLevel,
    problem,
)
from engine.readers.parsing.mapping import FileMapping
from engine.readers.program.entries import PathBelow
from engine.scenario import Protocol


class UserRamp(FileMapping):
    """Go evenly to another number of users."""

    ramp_to: UserLevel
    over: RampTime


class UserJump(FileMapping):
    """Go to another number of users at once."""

    jump_to: UserLevel


class ArrivalRamp(FileMapping):
    """Go evenly to another number of arrivals per second."""

    ramp_to: ArrivalLevel
    over: RampTime


class ArrivalJump(FileMapping):
    """Go to another number of arrivals per second at once."""

    jump_to: ArrivalLevel


class Hold(FileMapping):
    """Stay at the level reached."""

    hold: Duration


def _stage_kind(value: object) -> str | None:
    kinds = ("ramp_to", "jump_to", "hold")
    return next((f"<{kind}>" for kind in kinds if isinstance(value, dict) and kind in value), None)


_STAGE = Discriminator(
    _stage_kind,
    custom_error_type="loadmuster_stage",
    custom_error_message="is no stage; write {ramp_to: 500, over: 2m}, {hold: 10m} or {jump_to: 9}",
)
UserStage = Annotated[
    Annotated[UserRamp, Tag("<ramp_to>")]
    | Annotated[UserJump, Tag("<jump_to>")]
    | Annotated[Hold, Tag("<hold>")],
    _STAGE,
]
ArrivalStage = Annotated[
    Annotated[ArrivalRamp, Tag("<ramp_to>")]
    | Annotated[ArrivalJump, Tag("<jump_to>")]
    | Annotated[Hold, Tag("<hold>")],
    _STAGE,
]


def _require_some_load(stages: Sequence[UserStage | ArrivalStage], nobody: str) -> None:
    if all(isinstance(stage, UserJump | ArrivalJump) for stage in stages):
        raise problem("stages", "the stages take no time; add a ramp or a hold")
    if not any(level_reached(stage) for stage in stages):
        raise problem("stages", f"the stages never reach more than {nobody}")


def level_reached(stage: UserStage | ArrivalStage) -> float | None:
    """The level at the end of a stage; None: the one before."""
    if isinstance(stage, Hold):
        return None
    return stage.ramp_to if isinstance(stage, UserRamp | ArrivalRamp) else stage.jump_to


class Users(FileMapping):
    """Virtual users over time, starting from none: stages, one after the other."""

    stages: list[UserStage] = Field(min_length=1)

    @model_validator(mode="after")
    def _some_load(self) -> Self:
        _require_some_load(self.stages, "zero users")
        return self


class Arrivals(FileMapping):
    """Users that arrive per second, whatever the target does.

    Either a constant ``per_second`` or ``stages`` from zero.
    """

    per_second: ArrivalLevel | None = Field(None, description="A constant rate.")
    stages: list[ArrivalStage] | None = Field(None, min_length=1, description="Rates over time.")
    iteration: Pause | None = Field(None, description="How long one user stays.")
    max_users: Count | None = Field(None, description="At most so many users at once.")

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if (self.per_second is None) == (self.stages is None):
            raise problem("arrivals", "give either per_second or stages")
        if self.per_second == 0:
            raise problem("arrivals", "per_second must be more than zero")
        if self.stages is not None:
            _require_some_load(self.stages, "zero arrivals")
        if self.iteration == 0:
            raise problem("arrivals", "an iteration takes longer than 0 s")
        return self


def _users_kind(value: object) -> str:
    return "<stages>" if isinstance(value, dict) else "<number>"


class LoadSection(FileMapping):
    """How much load, over time: ``users`` (a closed model) or ``arrivals`` (an open one)."""

    users: (
        Annotated[
            Annotated[Count, Tag("<number>")] | Annotated[Users, Tag("<stages>")],
            Discriminator(_users_kind),
        ]
        | None
    ) = Field(None, description="Virtual users at once: a number, or stages.")
    arrivals: Arrivals | None = None
    duration: Duration | None = Field(None, description="How long a constant load lasts.")

    @property
    def is_constant(self) -> bool:
        """Whether a number stands for the whole load, and ``duration`` for its length."""
        if self.arrivals is not None:
            return self.arrivals.per_second is not None
        return isinstance(self.users, int)

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.users is None) == (self.arrivals is None):
            raise problem("load", "give either users or arrivals")
        if self.is_constant and self.duration is None:
            raise problem("load", "a constant load needs a duration such as 10m")
        if not self.is_constant and self.duration is not None:
            raise problem("load", "stages have their own lengths; leave duration out")
        return self


class ThinkTime(FileMapping):
    """A pause after each request, evenly distributed between two lengths."""

    min: Pause
    max: Pause

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise problem("think_time", "min must not be longer than max")
        return self


def _think_time_kind(value: object) -> str:
    return "<range>" if isinstance(value, dict) else "<constant>"


class RequestEntry(FileMapping):
    """One request that a user of the class makes."""

    path: UrlPath = Field(description="Path and query below the target.")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    weight: Count = Field(1, description="How often, relative to the other requests.")
    name: Line | None = Field(None, description="Under which it is counted.")
    body: Body | None = None


class UserClassEntry(FileMapping):
    """One kind of virtual user."""

    name: Line
    weight: Count = Field(1, description="How many of the users, relative to the other classes.")
    think_time: Annotated[
        Annotated[Pause, Tag("<constant>")] | Annotated[ThinkTime, Tag("<range>")],
        Discriminator(_think_time_kind),
    ] = Field(1.0, description="Pause after each request.")
    requests: list[RequestEntry] = Field(min_length=1)


class Payload(FileMapping):
    """Bytes on the wire, headers included."""

    request_bytes: Size | None = Field(None, description="Sent per request.")
    response_bytes: Size | None = Field(None, description="Received per request.")


class Machines(FileMapping):
    """Which machines a cloud may be asked for."""

    families: list[Line] = Field([], description="Only these, such as c7g or Dsv5.")
    types: list[Line] = Field([], description="Only these, such as c7g.large.")
    architecture: Literal["x86_64", "arm64"] | None = None
    at_most: int | None = Field(
        None, ge=1, le=1_000_000, description="Machines in all, over all regions."
    )
    vcpus_at_most: int | None = Field(
        None, ge=1, le=100_000_000, description="In each region, as the cloud's quota has it."
    )
    vcpus_each_at_most: int | None = Field(
        None, ge=1, le=100_000, description="In one machine, so that losing it loses little."
    )
    spread: int = Field(
        1,
        ge=1,
        le=100_000,
        description="At least so many machines in each region, and none with more than its share "
        "of the region's load.",
    )
    cores_alike: bool = Field(
        default=False,
        description="Every vCPU counts as much as any other, whatever was measured of its speed.",
    )
    mixed: bool = Field(default=True, description="A region may have machines of several types.")
    network: Literal["public", "nat"] = Field(
        "public",
        description="public: each has a public address; nat: they are behind a NAT gateway, which "
        "costs.",
    )


class TlsSection(FileMapping):
    """Whose certificates are believed, whatever puts the load on."""

    verify: bool = Field(default=True, description="false: any certificate will do.")
    ca: PathBelow | None = Field(
        None, description="A file of authorities (PEM) that are believed instead of the system's."
    )

    @model_validator(mode="after")
    def _looked_at(self) -> Self:
        if self.ca is not None and not self.verify:
            raise problem("tls", "verify: false asks no authority; leave ca or it out")
        return self


def _regions_kind(value: object) -> str:
    return "<list>" if isinstance(value, list) else "<mapping>"


class ScenarioFile(FileMapping):
    """A load test, as loadmuster's own format writes it."""

    name: Line
    load: LoadSection
    protocol: Protocol = Field(Protocol.HTTP, strict=False, description="What the users speak.")
    target: Url | None = Field(None, description="Base URL under test.")
    user_classes: list[UserClassEntry] = Field([])
    requests_per_user_second: float | None = Field(
        None, gt=0, le=1_000_000, allow_inf_nan=False, description="By one active user."
    )
    payload: Payload = Payload()
    connections_per_user: int | None = Field(
        None, ge=1, le=10_000, description="Sockets held open."
    )
    memory_mib_per_user: int | None = Field(
        None, ge=1, le=100_000_000, description="Memory that one user takes on an injector."
    )
    machines: Machines = Machines()
    regions: Annotated[
        Annotated[dict[RegionName, Share], Tag("<mapping>")]
        | Annotated[list[RegionName], Tag("<list>")],
        Discriminator(_regions_kind),
    ] = Field(
        {},
        description="Where the load comes from: shares by name, or names in equal shares; eu-* or "
        "any is the cheapest region that matches.",
    )
    load_engine: LoadEngineEntry = Field("locust", description="What puts the load on.")
    tls: TlsSection = TlsSection()
    injectors: Count | None = Field(None, description="A fixed number of standard injectors.")
    users_per_injector: Count | None = Field(None, description="A measured payload.")
    reference_injector: bool = Field(
        default=False, description="One more injector per region, with a single user."
    )

    machines_at_least: Share = Field(
        Decimal(1), description="Go ahead with this part of the machines when there are no more."
    )

    @field_validator("machines_at_least")
    @classmethod
    def _some_machines(cls, share: Decimal) -> Decimal:
        if share == 0:
            raise problem("machines_at_least", "a test needs machines; write 80% or 0.8")
        return share

    @field_validator("regions")
    @classmethod
    def _whole_load(cls, regions: dict[str, Decimal] | list[str]) -> dict[str, Decimal] | list[str]:
        if isinstance(regions, list):
            if len(set(regions)) < len(regions):
                raise problem("regions", "a region occurs twice")
            return regions
        total = sum(regions.values())
        if regions and total != 1:
            raise problem("regions", f"the shares sum to {total * 100:f}%; they must sum to 100%")
        return regions

    @field_validator("user_classes")
    @classmethod
    def _own_names(cls, user_classes: list[UserClassEntry]) -> list[UserClassEntry]:
        if len({each.name for each in user_classes}) < len(user_classes):
            raise problem("user_classes", "two user classes have the same name")
        return user_classes

    @model_validator(mode="after")
    def _one_fixed_size(self) -> Self:
        if self.injectors is not None and self.users_per_injector is not None:
            raise problem("injectors", "give either injectors or users_per_injector")
        return self
