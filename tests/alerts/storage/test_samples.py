"""What cameras showed and how many there were, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alerts.storage.database import open_engine
from alerts.storage.samples import CameraSample, CrowdSample, SampleStore, Shown

Q = 1_988_000  # a quarter of an hour
S = 900.0


@pytest.fixture
def samples(database_url: str) -> Iterator[SampleStore]:
    engine = open_engine(database_url)
    store = SampleStore(engine)
    store.migrate()
    yield store
    engine.dispose()


def test_what_is_told_piece_by_piece_is_summed(samples: SampleStore) -> None:
    samples.add([CameraSample(Q, "a", Q * S + 5, 30.0, 20.0), CameraSample(Q, "b", Q * S, 30.0, 0.0)], [])
    samples.add(
        [CameraSample(Q, "a", Q * S + 35, 30.0, 30.0), CameraSample(Q + 1, "a", (Q + 1) * S, 10.0, 10.0)],
        [CrowdSample(Q, "a", "crowd", 30, 90, 5)],
    )
    samples.add([], [CrowdSample(Q, "a", "crowd", 10, 40, 4), CrowdSample(Q + 1, "a", "crowd", 1, 8, 8)])
    assert samples.shown(Q * S) == {"a": Shown(Q * S + 5, 70.0, 60.0), "b": Shown(Q * S, 30.0, 0.0)}
    assert samples.shown((Q + 1) * S) == {"a": Shown((Q + 1) * S, 10.0, 10.0)}
    assert samples.crowds([(Q * S, (Q + 2) * S)]) == [
        CrowdSample(Q, "a", "crowd", 40, 130, 5),
        CrowdSample(Q + 1, "a", "crowd", 1, 8, 8),
    ]


def test_spans_hold_the_quarters_that_begin_in_them(samples: SampleStore) -> None:
    samples.add([], [CrowdSample(Q + n, "a", "crowd", 1, n, n) for n in range(6)])

    def found(*spans: tuple[float, float]) -> list[int]:
        return [sample.quarter - Q for sample in samples.crowds(spans)]

    assert found((Q * S, (Q + 2) * S), ((Q + 4) * S, (Q + 5) * S)) == [0, 1, 4]
    assert found((Q * S + 1, (Q + 2) * S + 1)) == [1, 2]
    assert found() == []


def test_what_is_older_than_its_retention_goes(samples: SampleStore) -> None:
    samples.add(
        [CameraSample(Q + n, "a", (Q + n) * S, 1.0, 1.0) for n in range(3)],
        [CrowdSample(Q + n, "a", "crowd", 1, 1, 1) for n in range(3)],
    )
    samples.forget((Q + 1) * S + 1)
    assert samples.shown(0.0)["a"].observed_s == 2.0
    assert len(samples.crowds([(0.0, (Q + 9) * S)])) == 2
