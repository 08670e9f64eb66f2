"""Turns over cameras: in the ratio of what was promised, by priority, and with a minimum for each."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from configs.schema import Priority
from ingest.fair_share import RAISED_S, FairShare, Share

NEVER = 1e-9  # a minimum rate that asks for nothing within a test
rates = st.lists(st.sampled_from([0.5, 1, 2, 3, 5, 7.5, 12, 25]), min_size=2, max_size=6)


def _sharing(promised: list[float], **more: Priority) -> FairShare:
    sharing = FairShare({f"c{n}": Share(fps, NEVER, **more) for n, fps in enumerate(promised)})
    for n in range(len(promised)):
        sharing.choose([f"c{n}"], 0.0)
    return sharing


def _is_fair(served: list[str], promised: list[float]) -> bool:
    """Turns over quanta differ by a round: each is within one frame of its visits' worth, and visits differ by one."""
    turns = Counter(served)
    quanta = [fps / max(promised) for fps in promised]
    rounds = [turns[f"c{n}"] / quantum for n, quantum in enumerate(quanta)]
    return all(
        own - other <= 1 / own_quantum + 1 / other_quantum + 1 + 1e-6
        for own, own_quantum in zip(rounds, quanta, strict=True)
        for other, other_quantum in zip(rounds, quanta, strict=True)
    )


@given(rates, st.data())
def test_over_any_time_each_has_its_share_to_within_a_quantum(promised: list[float], data: st.DataObject) -> None:
    sharing = _sharing(promised)
    cameras = [f"c{n}" for n in range(len(promised))]
    served = [sharing.choose(cameras, 1.0) for _ in range(120)]
    begin = data.draw(st.integers(0, 100))
    end = data.draw(st.integers(begin + 1, 120))
    assert _is_fair(served[begin:end], promised)


@given(rates, st.integers(1, 40))
def test_an_absent_camera_saves_nothing_up(promised: list[float], turns: int) -> None:
    sharing = _sharing(promised)
    cameras = [f"c{n}" for n in range(len(promised))]
    for _ in range(50):
        sharing.choose(cameras[1:], 1.0)
    assert _is_fair([sharing.choose(cameras, 1.0) for _ in range(turns)], promised)


@given(st.lists(st.tuples(st.sampled_from(Priority), st.booleans()), min_size=2, max_size=6))
def test_a_higher_priority_that_waits_comes_first(cameras: list[tuple[Priority, bool]]) -> None:
    sharing = FairShare({f"c{n}": Share(5, NEVER, priority) for n, (priority, _) in enumerate(cameras)})
    waiting = [f"c{n}" for n in range(len(cameras))]
    for n, (_, raised) in enumerate(cameras):
        sharing.choose([f"c{n}"], 0.0)
        if raised:
            sharing.raise_rank(f"c{n}", 0.0)
    highest = max(sharing.rank(each, 1.0) for each in waiting)
    for _ in range(20):
        assert sharing.rank(sharing.choose(waiting, 1.0), 1.0) == highest


def test_the_lowest_gets_its_minimum_beside_a_higher_one_that_takes_all() -> None:
    sharing = FairShare({"high": Share(25, 1, Priority.HIGH), "low": Share(5, 1, Priority.LOW)})
    served = Counter(sharing.choose(["high", "low"], turn / 20) for turn in range(200))  # ten seconds of 20 turns
    assert served == {"high": 190, "low": 10}


def test_where_minimums_alone_are_too_much_the_higher_one_comes_first() -> None:
    sharing = FairShare({"high": Share(5, 2, Priority.HIGH)} | {f"low{n}": Share(5, 2, Priority.LOW) for n in range(9)})
    waiting = ["high", *(f"low{n}" for n in range(9))]
    served = Counter(sharing.choose(waiting, turn / 10) for turn in range(100))  # ten seconds of 10 turns
    assert served["high"] == 20
    assert max(served[f"low{n}"] for n in range(9)) - min(served[f"low{n}"] for n in range(9)) <= 1


def test_who_is_raised_passes_its_own_priority_for_a_while_and_no_other() -> None:
    sharing = FairShare({name: Share(priority=Priority(name)) for name in ("low", "normal", "high")})
    sharing.raise_rank("low", 0.0)
    sharing.raise_rank("normal", 0.0)
    assert sorted(("high", "low", "normal"), key=lambda each: sharing.rank(each, 1.0)) == ["low", "normal", "high"]
    before, after = sharing.rank("low", RAISED_S - 0.1), sharing.rank("low", RAISED_S)
    assert before > after
