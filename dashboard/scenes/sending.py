"""A scene that one desk sends to another, and the answer: plain data and one step. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alerts.event import Plain
from dashboard.scenes.scene import Arrangement, Layout

KEPT_S = 4 * 3600.0
"""A card that nobody answered in half a shift is no longer of use; the audit log knows of it."""

Word = Annotated[str, Field(max_length=200)]


class Offer(Arrangement):
    """What a desk sends: cameras under a name, with a word."""

    name: Annotated[str, Field(max_length=64)] | None = None
    word: Word | None = None


class Answering(Plain):
    """``word``: why, where it is refused."""

    accept: bool
    word: Word | None = None


class DeskName(Plain):
    """A desk as a card names it."""

    id: str
    name: str
    name_en: str | None


class Answer(Plain):
    """``at``: UTC epoch s."""

    accepted: bool
    by_name: str
    at: float
    word: str | None = None


class Sending(Plain):
    """Tiles outside the receiving desk's regions are empty; ``hidden`` counts them. ``at``: UTC epoch s."""

    v: Literal[1] = 1
    id: str
    sender: DeskName
    receiver: DeskName
    by: str
    by_name: str
    at: float
    name: str | None
    word: str | None
    layout: Layout
    tiles: tuple[str | None, ...]
    hidden: int
    answer: Answer | None = None


class AlreadyAnswered(Exception):
    """``answer`` is the first one, which counts."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("the sending has its answer")
        self.answer = answer


def answered(sending: Sending, answer: Answer) -> Sending:
    """With its answer. Raises :class:`AlreadyAnswered`."""
    if sending.answer is not None:
        raise AlreadyAnswered(sending.answer)
    return sending.model_copy(update={"answer": answer})
