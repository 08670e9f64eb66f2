"""What every part of the settings is made of: frozen sections, names, points of a picture."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]


def _on_the_picture(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value:g} lies outside the picture, which goes from 0 to 1")
    return value


Coordinate = Annotated[
    float, AfterValidator(_on_the_picture), Field(json_schema_extra={"minimum": 0.0, "maximum": 1.0})
]
Point = tuple[Coordinate, Coordinate]
"""Normalised to the picture, x right and y down."""


class Section(BaseModel):
    """Base of every section: immutable, and a key nobody knows is a fault, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
