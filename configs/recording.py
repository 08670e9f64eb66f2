"""The settings of recording: what of each camera goes to the disk, and how much of the disk it may have."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from configs.section import Section

RecordingMode = Literal["continuous", "activity", "events", "none"]


class CameraRecording(Section):
    """What of a camera is recorded.

    ``activity``: while something moves or a rule waits to alarm; ``events``: around each alarm; both with
    ``pre_roll_s`` before and ``post_roll_s`` after. ``none``: nothing, and alarms have no clip.
    """

    mode: RecordingMode = "none"
    stream: Literal["main", "sub"] = Field(
        default="main", description="main is then open all the time; a camera with one stream records that"
    )
    priority: Literal["high", "normal", "low"] = Field(
        default="normal", description="who keeps recording longest where the disk is full"
    )


class RecordingSettings(Section):
    """``default`` holds for every camera without a ``recording`` of its own."""

    default: CameraRecording = CameraRecording()
    folder: Path | None = Field(default=None, description="default: recordings in state_dir")
    budget_gb: float | None = Field(
        default=None,
        gt=0,
        description="most that recordings and clips take, 10^9 bytes; default: budget_share of the disk",
    )
    budget_share: float = Field(default=0.8, gt=0, le=1, description="of the disk that the folder lies on")
    reserve_gb: float = Field(
        default=1.0, ge=0, description="stays free for alarms: recording stops before the disk is full"
    )
    keep_days: float = Field(default=30, gt=0, le=3650)
    file_s: float = Field(default=300, ge=1, le=3600, description="a file of a recording lasts so long")
    pre_roll_s: float = Field(default=5, ge=0, le=60, description="kept in memory where mode is activity or events")
    post_roll_s: float = Field(default=10, ge=0, le=300)
