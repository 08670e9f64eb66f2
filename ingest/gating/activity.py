"""Does something move? Judged from the sizes and quantisers of packets alone. Pure; pictures come in order.

What a picture costs in calm depends on its place in the GOP, on the camera's noise, and on the quantiser that rate
control chose. So each place has a norm of its own: the mean log2 size at the mean quantiser, and how steeply the size
falls when the quantiser rises. At a high rate that is a sixth of an octave a step (H.264, 8.5.9: six steps of the
quantiser double its step size); where the quantiser cuts the sensor's noise off it is a whole octave. The first
pictures after a key frame, in which that noise is not coded yet, tell most.

The excess over the norm, in standard deviations, is summed up by Page's CUSUM (E. S. Page, "Continuous inspection
schemes", Biometrika 41, 1954), whose limit is learnt from the calm too: an encoder that wavers gets a higher one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import cycle
from math import inf, log2

_STEP = 1.0
_FLATTEST, _STEEPEST = -1 / 6, -1.3
_USUAL = -1 / 3
_PRIOR = 3.0  # a slope is believed as far as the quantiser turned: sum of steps squared
_FORGETTING = 0.9995  # a picture
_FIRST = 3  # pictures after a key frame that have a slope of their own
_MOST = 2.5  # limits: what is beyond is not remembered, or it would take too long to calm down
_LATELY = 100  # pictures
_AS_GOOD_AS = 8  # pictures at one place: what is known of all places counts for so many
_MEAN_TO_STANDARD = 1.25  # deviation of a normal distribution
_UNSURE = 0.3  # added to a deviation known from one picture
_UNTOLD = 0.02  # sizes vary by whole bytes, quantisers by whole steps


@dataclass(frozen=True, slots=True)
class ActivityLimits:
    """In standard deviations of calm pictures, summed over pictures.

    ``slack``: excess a picture that is forgiven. ``least`` and ``most`` bound the learnt limit, which is ``margin``
    times what the greatest sum stayed below in a share of ``usual`` of the last ``memory`` calm GOPs; not in all, since
    some of them were not as calm as they were taken for. ``learning``: GOPs before any verdict. ``phases``: places
    after a key frame with a norm of their own; the rest of the GOP shares one. ``outlier``: one picture counts for no
    more. ``slowest``: pictures over which a norm is a mean.
    """

    slack: float = 0.35
    least: float = 8.0
    most: float = 60.0
    margin: float = 1.5
    usual: float = 0.8
    memory: int = 40
    learning: int = 4
    phases: int = 24
    outlier: float = 5.0
    slowest: int = 24


@dataclass(slots=True)
class _Kind:
    """What pictures have in common, those soon after a key frame and the others."""

    turned: float = 0.0
    fell: float = 0.0
    deviation: float = 0.0
    count: int = 0

    def learn(self, qp: float, size: float, excess: float) -> None:
        """Quantiser and size as they differ from the picture's norm."""
        self.turned = _FORGETTING * self.turned + qp * qp
        self.fell = _FORGETTING * self.fell + qp * size
        self.count += 1
        self.deviation += (excess - self.deviation) / min(self.count, _LATELY)

    def slope(self, prior: float) -> float:
        """Octaves of size a step of the quantiser, from pictures at one place that were quantised otherwise."""
        return _bounded((self.fell + _PRIOR * prior) / (self.turned + _PRIOR))


@dataclass(slots=True)
class _Norm:
    """Running means of calm pictures; quick at first, slow later, hard to move by single ones."""

    slowest: int
    kind: _Kind
    size: float = 0.0
    qp: float = 0.0
    deviation: float = 0.0
    count: int = 0

    def excess(self, size: float, qp: float, rest: _Norm) -> float:
        """Octaves. Until it is known how sizes fall, the pictures at the GOP's end tell: they are quantised finer."""
        apart = self.qp - rest.qp
        prior = _bounded((self.size - rest.size) / apart) if abs(apart) >= 1 else _USUAL
        return size - self.size - self.kind.slope(prior) * (qp - self.qp)

    def spread(self) -> float:
        """Standard deviation, not too sure of itself."""
        known = self.count * self.deviation + _AS_GOOD_AS * self.kind.deviation
        return _MEAN_TO_STANDARD * known / (self.count + _AS_GOOD_AS) + _UNSURE / max(1, self.count) + _UNTOLD

    def learn(self, size: float, qp: float, excess: float) -> None:
        self.count += 1
        if self.count == 1:
            self.size, self.qp = size, qp
            return
        weight = 1 / min(self.count, self.slowest)
        step = max(-_STEP, min(_STEP, excess))
        self.kind.learn(qp - self.qp, size - self.size, abs(step))
        self.deviation += (abs(step) - self.deviation) * weight
        self.qp += (qp - self.qp) * weight
        self.size += (step + size - self.size - excess) * weight


def _bounded(slope: float) -> float:
    return max(_STEEPEST, min(_FLATTEST, slope))


@dataclass(slots=True)
class Activity:
    """One stream's evidence. Feed every picture by :meth:`note`; read :attr:`level`, where 1 is something moving."""

    limits: ActivityLimits = field(default_factory=ActivityLimits)
    level: float = 0.0
    _norms: dict[tuple[bool, int], _Norm] = field(default_factory=dict)
    _kinds: dict[tuple[bool, bool], _Kind] = field(default_factory=dict)
    _phase: int = 0
    _sum: float = 0.0
    _in_gop: float = 0.0
    _greatest: float = 0.0
    _gops: int = 0
    _pictures: int = 1
    _calm: deque[float] = field(default_factory=deque)
    _limit: float = 0.0
    _pending: list[tuple[_Norm, float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._limit = self.limits.most

    @property
    def learning(self) -> bool:
        """Whether too little calm was seen for a verdict."""
        return len(self._calm) < self.limits.learning

    @property
    def pictures(self) -> int:
        """In the last GOP."""
        return self._pictures

    @property
    def limit(self) -> float:
        """The sum at which something moves."""
        return self._limit

    def note(self, size: int, qp: int | None, *, keyframe: bool, reference: bool = True) -> None:
        """One picture: ``size`` in bytes, ``qp`` 0 to 51 or ``None`` where it is not known."""
        if keyframe:
            self._phase = 0
            return
        self._phase += 1
        norm, rest = self._norm(reference)
        octaves, quantiser = log2(max(size, 1)), float(qp or 0)
        excess = 0.0
        if norm.count:
            excess = norm.excess(octaves, quantiser, rest)
            most = self.limits.outlier
            step = max(-most, min(most, excess / norm.spread())) - self.limits.slack
            self._sum = min(_MOST * self._limit, max(0.0, self._sum + step))
            self._in_gop = max(0.0, self._in_gop + step)
            self._greatest = max(self._greatest, self._in_gop)
            self.level = self._sum / self._limit
        self._pending.append((norm, octaves, quantiser, excess))

    def end_gop(self, *, calm: bool) -> None:
        """A GOP is over. Where it was ``calm`` (nothing was found in it, or nobody looked), it is learnt from."""
        self._pictures = self._phase + 1
        if calm and self._pending:
            self._gops += 1
            for norm, octaves, quantiser, excess in self._pending:
                norm.learn(octaves, quantiser, excess)
            if self._gops > 2:  # before, the norms are hardly known
                self._calm.append(self._greatest)
                while len(self._calm) > self.limits.memory:
                    self._calm.popleft()
                limits = self.limits
                usual = sorted(self._calm)[int(limits.usual * len(self._calm))]
                self._limit = min(limits.most, max(limits.least, limits.margin * usual))
        self._pending.clear()
        self._in_gop = self._greatest = 0.0

    def pictures_to_notice(self, more: float) -> float:
        """How many pictures it takes until something that costs ``more`` bytes in each is told from calm, if it comes
        when the first pictures after a key frame are over; infinite where it never is, 0 where too little is known.
        """
        if self.learning:
            return 0.0
        gains = [self._gain(place, more) for place in range(1, self._pictures)]
        in_gop = sum(gains)
        if not in_gop:
            return inf
        whole = max(0.0, self._limit // in_gop - 1)
        total, pictures = whole * in_gop, whole * self._pictures
        for gain in cycle([*gains[_FIRST:], 0.0, *gains[:_FIRST]]):
            if total >= self._limit:
                break
            total += gain
            pictures += 1
        return pictures

    def _gain(self, place: int, more: float) -> float:
        """By how much ``more`` bytes in the picture at ``place`` raise the sum."""
        place = min(place, self.limits.phases)
        norms = [norm for kind in (True, False) if (norm := self._norms.get((kind, place))) is not None and norm.count]
        if not norms:
            return 0.0
        norm = max(norms, key=lambda each: each.count)
        excess = log2(1 + more / 2**norm.size) / norm.spread()
        return max(0.0, min(excess, self.limits.outlier) - self.limits.slack)

    def overrule(self) -> None:
        """Somebody looked and found nothing: the sum begins anew."""
        self._sum = self.level = 0.0

    def _norm(self, reference: bool) -> tuple[_Norm, _Norm]:
        """Of this place in the GOP, and of its end."""
        last = self.limits.phases
        phase = min(self._phase, last)
        norm = self._norms.get((reference, phase))
        if norm is None:
            slowest = self.limits.slowest * (last if phase == last else 1)
            kind = self._kinds.setdefault((reference, phase <= _FIRST), _Kind())
            norm = self._norms[reference, phase] = _Norm(slowest, kind)
        return norm, self._norms.get((reference, last), norm)
