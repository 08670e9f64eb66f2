"""The settings of wall screens (大屏)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from configs.section import Identifier, Name, Section

ScreenId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class WallScreen(Section):
    """One screen of a wall: a browser that has been let in once shows at ``/wall/ID`` what a desk pushes.

    It shows cameras and alarms of its regions, with all that lies under them; who pushes covers all of them.
    """

    id: ScreenId
    name: Name
    name_en: Name | None = None
    regions: tuple[Identifier, ...] = Field(min_length=1)
