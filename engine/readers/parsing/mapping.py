"""What every mapping of a scenario file has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from kernel.near_names import near_names


class FileMapping(BaseModel):
    """A mapping that takes its own fields and no others."""

    # A mapping within others needs no validator of its own; building one takes a millisecond.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_field(cls, value: object) -> object:
        """Name the unknown field, and what it may have been meant to be."""
        for name in value if isinstance(value, dict) else ():
            if name not in cls.model_fields:
                near = near_names(str(name), cls.model_fields, most=1)
                known = ", ".join(cls.model_fields)
                hint = f"did you mean {near[0]}?" if near else f"known here: {known}"
                raise PydanticCustomError(
                    "loadmuster_unknown_field",
                    "unknown field; {hint}",
                    {"hint": hint, "field": name},
                )
        return value
