"""What the worker's private port makes of the messages that wait for one reader."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from xueliang.worker.http import JOINED_BYTES, joined

MESSAGES = st.lists(st.one_of(st.sampled_from(["state", "init", "overlay"]), st.binary(min_size=1, max_size=5)))


def test_a_gop_goes_as_one_message_after_its_init_segment() -> None:
    assert joined(["state", "init", b"I", b"a", b"b", b"c"]) == ["state", "init", b"I", b"abc"]
    assert joined([b"a"]) == [b"a"]


def _flat(messages: Sequence[str | bytes]) -> list[str | int]:
    return [part for message in messages for part in ([message] if isinstance(message, str) else message)]


def _after_texts(messages: Sequence[str | bytes]) -> list[str | bytes]:
    return [after for before, after in pairwise(messages) if isinstance(before, str)]


@given(MESSAGES)
def test_nothing_is_lost_or_moved_and_what_follows_a_text_stays_alone(messages: list[str | bytes]) -> None:
    out = joined(messages)
    assert _flat(out) == _flat(messages)
    assert _after_texts(out) == _after_texts(messages)


def test_a_message_holds_little_more_than_its_limit() -> None:
    part = bytes(JOINED_BYTES // 3 + 1)
    sizes = [len(message) // len(part) for message in joined(["init", b"I", *[part] * 8])[2:]]
    assert sizes == [3, 3, 2]
