"""The live channel: a newcomer sees the current GOP at once, the slow lose pictures and are told, nobody blocks."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import av
import pytest

from ingest.live import LiveChannel, LiveLimits, Message, Subscription, state_message
from ingest.packet import AccessUnit
from ingest.state import Fault, Phase, StreamState

EncodeUnits = Callable[..., list[AccessUnit]]
STATE = StreamState("a", "sub", Phase.LIVE, None, 1000.0, 1000.0, 0, "pictures come")


def _publish(channel: LiveChannel, units: list[AccessUnit]) -> None:
    for unit in units:
        channel.publish_unit(unit, 3600)


def _types(messages: list[Message]) -> list[str]:
    return [json.loads(message)["type"] if isinstance(message, str) else "binary" for message in messages]


def _texts(messages: list[Message], kind: str) -> list[dict[str, Any]]:
    found = [json.loads(message) for message in messages if isinstance(message, str)]
    return [message for message in found if message["type"] == kind]


def _media(messages: list[Message]) -> bytes:
    return b"".join(message for message in messages if isinstance(message, bytes))


def _decode_times(messages: list[Message]) -> list[int]:
    return [
        struct.unpack_from(">Q", message, message.index(b"tfdt") + 8)[0]
        for message in messages
        if isinstance(message, bytes) and b"tfdt" in message
    ]


async def _soon(subscription: Subscription) -> list[Message]:
    return await asyncio.wait_for(subscription.messages(), 60)


async def test_a_newcomer_gets_state_init_and_the_current_gop_at_once(encode_units: EncodeUnits) -> None:
    channel = LiveChannel(STATE)
    _publish(channel, encode_units(14, gop=10))
    with channel.subscribe() as subscription:
        messages = await _soon(subscription)
    assert _types(messages) == ["state", "init", "binary", *["binary"] * 4]
    assert _texts(messages, "init")[0]["mime"].startswith('video/mp4; codecs="avc1.')
    with av.open(io.BytesIO(_media(messages)), mode="r", format="mp4") as container:
        assert len(list(container.decode(video=0))) == 4


async def test_what_follows_continues_without_a_gap(encode_units: EncodeUnits) -> None:
    units = encode_units(25, gop=10)
    channel = LiveChannel(STATE)
    _publish(channel, units[:13])
    with channel.subscribe() as subscription:
        first = await _soon(subscription)
        _publish(channel, units[13:])
        second = await _soon(subscription)
    assert _decode_times(first + second) == [unit.dts for unit in units[10:]]


async def test_before_the_first_key_frame_there_is_only_the_state(encode_units: EncodeUnits) -> None:
    units = encode_units(12, gop=10)
    channel = LiveChannel(STATE)
    with channel.subscribe() as subscription:
        assert _types(await _soon(subscription)) == ["state"]
        _publish(channel, units[5:])
        assert _types(await _soon(subscription)) == ["init", "binary", "binary", "binary"]


async def test_the_slow_skip_to_a_key_frame_and_are_told_how_much(encode_units: EncodeUnits) -> None:
    units = encode_units(45, gop=10)
    channel = LiveChannel(STATE, limits=LiveLimits(waiting=15))
    _publish(channel, units[:1])
    with channel.subscribe() as slow, channel.subscribe() as quick:
        await _soon(slow)
        await _soon(quick)
        got_quickly: list[Message] = []
        for unit in units[1:]:
            channel.publish_unit(unit, 3600)
            got_quickly += await _soon(quick)
        messages = await _soon(slow)
    assert _decode_times(got_quickly) == [unit.dts for unit in units[1:]]
    skipped = sum(note["frames"] for note in _texts(messages, "skipped"))
    times = _decode_times(messages)
    assert times[0] in {unit.dts for unit in units if unit.keyframe}
    assert skipped + len(times) == 44
    assert channel.counts().skipped == skipped > 0


async def test_what_waited_too_long_is_skipped_and_a_whole_gop_at_once_is_not(encode_units: EncodeUnits) -> None:
    units = [replace(unit, arrived_at=100.0) for unit in encode_units(20, gop=10)]
    channel = LiveChannel(STATE, limits=LiveLimits(waiting_s=2.0))
    _publish(channel, units[:1])
    with channel.subscribe() as subscription:
        await _soon(subscription)
        _publish(channel, units[1:10])
        assert len(_decode_times(await _soon(subscription))) == 9
        _publish(channel, [replace(unit, arrived_at=110.0) for unit in units[10:12]])
        _publish(channel, [replace(unit, arrived_at=112.1) for unit in units[12:]])
        assert _types(await _soon(subscription)) == []
    assert channel.counts().skipped == 10


async def test_a_new_resolution_brings_a_new_init_segment(encode_units: EncodeUnits) -> None:
    small, large = encode_units(3), encode_units(3, width=640, height=360)
    later = [replace(unit, dts=unit.dts + 90_000, pts=unit.pts + 90_000) for unit in large]
    channel = LiveChannel(STATE)
    _publish(channel, small)
    with channel.subscribe() as subscription:
        await _soon(subscription)
        _publish(channel, later)
        messages = await _soon(subscription)
    assert _types(messages)[:2] == ["init", "binary"]
    assert _texts(messages, "init")[0]["width"] == 640


async def test_states_and_overlays_reach_the_page_in_order(encode_units: EncodeUnits) -> None:
    channel = LiveChannel(STATE)
    units = encode_units(2)
    _publish(channel, units[:1])
    with channel.subscribe() as subscription:
        await _soon(subscription)
        channel.publish_overlay('{"v":1,"type":"overlay","camera_id":"a","pts_s":0.0,"boxes":[]}')
        _publish(channel, units[1:])
        channel.publish_state(replace(STATE, phase=Phase.STALE, fault=Fault.FROZEN))
        messages = await _soon(subscription)
    assert _types(messages) == ["overlay", "binary", "state"]
    assert _texts(messages, "state")[0]["fault"] == "frozen"


def test_the_state_message_has_the_fields_of_the_contract() -> None:
    wanted = {"v", "type", "phase", "fault", "since", "at", "attempt", "detail", "next_try_at", "last_picture_at"}
    assert set(json.loads(state_message(STATE))) == wanted


async def test_an_oversized_gop_is_not_kept_but_still_sent(encode_units: EncodeUnits) -> None:
    units = encode_units(30, gop=30)
    channel = LiveChannel(STATE, limits=LiveLimits(gop_pictures=10))
    with channel.subscribe() as early:
        _publish(channel, units)
        assert len(_decode_times(await _soon(early))) == 30
    with channel.subscribe() as late:
        assert _types(await _soon(late)) == ["state"]
    assert channel.counts().oversized == 1


async def test_closing_the_channel_ends_its_readers() -> None:
    channel = LiveChannel(STATE)
    subscription = channel.subscribe()
    await _soon(subscription)
    reader = asyncio.create_task(subscription.messages())
    channel.close()
    assert await asyncio.wait_for(reader, 60) == []
    assert channel.subscribers == 0


async def test_a_publisher_thread_wakes_the_reader(encode_units: EncodeUnits) -> None:
    units = encode_units(200, gop=20)
    channel = LiveChannel(STATE, limits=LiveLimits(waiting=1000, waiting_s=1000))
    times: list[int] = []
    with channel.subscribe() as subscription:
        publisher = threading.Thread(target=_publish, args=(channel, units))
        publisher.start()
        while len(times) < 200:
            times += _decode_times(await _soon(subscription))
        publisher.join()
    assert times == [unit.dts for unit in units]


def test_a_reader_whose_loop_has_died_does_no_harm(encode_units: EncodeUnits) -> None:
    channel = LiveChannel(STATE)

    async def leave_without_a_word() -> None:
        subscription = channel.subscribe()
        await subscription.messages()

    asyncio.run(leave_without_a_word())
    _publish(channel, encode_units(3))
    assert channel.subscribers == 0
    assert channel.counts().published == 3


async def test_media_time_of_a_moment(encode_units: EncodeUnits) -> None:
    channel = LiveChannel(STATE)
    assert channel.pts_at(1000.0) is None
    units = encode_units(10)
    _publish(channel, units)
    assert channel.pts_at(units[4].captured_at) == pytest.approx(units[4].pts / 90_000, abs=1e-4)


async def test_watching_asks_for_the_stream() -> None:
    asked: list[bool] = []
    channel = LiveChannel(STATE, wanted=lambda: asked.append(True))
    with channel.subscribe():
        assert asked == [True]
