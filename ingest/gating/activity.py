"""Does something move? Judged from the sizes and quantisers of packets alone. Pure; pictures come in order.

The effort of a picture, ``log2(bytes) + qp / 6``, is what it would have cost at one fixed quantiser (H.264, 8.5.9: six
steps of the quantiser double its step size). It is compared with what this camera's pictures at the same place in
the GOP cost while all was calm, and the excess is summed up by Page's CUSUM (E. S. Page, "Continuous inspection
schemes", Biometrika 41, 1954), whose limit is learnt from the calm too: a camera with much noise, or an encoder that
wavers, gets a higher one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median

_STEP = 0.6
_SLOWEST = 24
_STEADY = 0.02


@dataclass(frozen=True, slots=True)
class ActivityLimits:
    """In units of log2 effort, summed over pictures.

    ``slack``: excess a picture that is forgiven. ``least`` and ``most`` bound the learnt limit, which is ``margin``
    times the median of the greatest sums in the last ``memory`` calm GOPs; the median, since some of them were not as
    calm as they were taken for. ``learning``: GOPs before any verdict. ``phases``: places after a key frame with a norm
    of their own; the rest of the GOP shares one. ``outlier``: one picture counts for no more.
    """

    slack: float = 0.10
    least: float = 0.8
    most: float = 8.0
    margin: float = 2.0
    memory: int = 40
    learning: int = 4
    phases: int = 24
    outlier: float = 2.0


@dataclass(slots=True)
class _Norm:
    """Running mean and mean deviation of calm efforts; quick at first, slow later, hard to move by single ones."""

    value: float = 0.0
    deviation: float = 0.0
    count: int = 0

    def learn(self, effort: float) -> None:
        self.count += 1
        if self.count == 1:
            self.value = effort
            return
        step = max(-_STEP, min(_STEP, effort - self.value))
        self.value += step / min(self.count, _SLOWEST)
        self.deviation += (abs(step) - self.deviation) / min(self.count - 1, _SLOWEST)


@dataclass(slots=True)
class Activity:
    """One stream's evidence. Feed every picture by :meth:`note`; read :attr:`level`, where 1 is something moving."""

    limits: ActivityLimits = field(default_factory=ActivityLimits)
    level: float = 0.0
    _norms: dict[tuple[bool, int], _Norm] = field(default_factory=dict)
    _phase: int = 0
    _sum: float = 0.0
    _in_gop: float = 0.0
    _greatest: float = 0.0
    _gops: int = 0
    _calm: deque[float] = field(default_factory=deque)
    _pending: list[tuple[_Norm, float]] = field(default_factory=list)

    @property
    def learning(self) -> bool:
        """Whether too little calm was seen for a verdict."""
        return len(self._calm) < self.limits.learning

    @property
    def limit(self) -> float:
        """The sum at which something moves."""
        if not self._calm:
            return self.limits.most
        return min(self.limits.most, max(self.limits.least, self.limits.margin * median(self._calm)))

    def note(self, size: int, qp: int | None, *, keyframe: bool, reference: bool = True) -> None:
        """One picture: ``size`` in bytes, ``qp`` 0 to 51 or ``None`` where it is not known."""
        if keyframe:
            self._phase = 0
            return
        self._phase += 1
        effort = math.log2(max(size, 1)) + (0.0 if qp is None else qp / 6)
        norm = self._norms.setdefault((reference, min(self._phase, self.limits.phases)), _Norm())
        rest = self._norms.get((reference, self.limits.phases), norm)
        if norm.count:
            excess = max(-self.limits.outlier, min(self.limits.outlier, effort - norm.value))
            # After a key frame rate control wavers: what is told there weighs as much less as it is less steady.
            excess *= min(1.0, (rest.deviation + _STEADY) / (norm.deviation + _STEADY))
            step = excess - self.limits.slack
            self._sum = min(1.5 * self.limit, max(0.0, self._sum + step))
            self._in_gop = max(0.0, self._in_gop + step)
            self._greatest = max(self._greatest, self._in_gop)
            self.level = self._sum / self.limit
        self._pending.append((norm, effort))

    def end_gop(self, *, calm: bool) -> None:
        """A GOP is over. Where it was ``calm`` (nothing was found in it, or nobody looked), it is learnt from."""
        if calm and self._pending:
            self._gops += 1
            for norm, effort in self._pending:
                norm.learn(effort)
            if self._gops > 2:  # before, the norms are hardly known
                self._calm.append(self._greatest)
                while len(self._calm) > self.limits.memory:
                    self._calm.popleft()
        self._pending.clear()
        self._in_gop = self._greatest = 0.0

    def overrule(self) -> None:
        """Somebody looked and found nothing: the sum begins anew."""
        self._sum = self.level = 0.0
