"""Percentile plots as inline SVG: every raw sample, sorted, over its rank; where most lie and how bad the worst are."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 360, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 26, 24
_TICKS = (0, 25, 50, 75, 90, 100)
_MOST_POINTS = 200


def percentile_plot(name: str, samples: Sequence[float]) -> str:
    """An ``<svg>`` element: percentile, 0 to 100, to the right; upwards the samples in their unit, from 0 or the least.

    Raises ``ValueError`` for no samples, or one that is not finite.
    """
    values = np.asarray(samples, np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(f"{name}: want finite samples, at least one")
    low, high = min(0.0, float(values.min())), float(values.max())
    high = high if high > low else low + 1
    ranks = np.linspace(0, 100, min(_MOST_POINTS, max(2, len(values))))
    heights = np.percentile(values, ranks)
    points = " ".join(f"{_x(p):.1f},{_y(v, low, high):.1f}" for p, v in zip(ranks, heights, strict=True))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
        f"<title>{html.escape(name)}, {len(values)} samples</title>",
        f'<text x="{_LEFT}" y="15" class="t">{html.escape(name)} <tspan class="n">{len(values)} samples</tspan></text>',
    ]
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        y = _y(value, low, high)
        parts.append(f'<path class="g" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="n" text-anchor="end">{value:.4g}</text>')
    for tick in _TICKS:
        x = _x(tick)
        parts.append(f'<path class="g" d="M{x:.1f} {HEIGHT - _BOTTOM}v4"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" class="n" text-anchor="middle">{tick}</text>')
    parts.append(f'<polyline class="l" points="{points}"/></svg>')
    return "".join(parts)


def _x(percentile: float) -> float:
    return float(_LEFT + percentile / 100 * (WIDTH - _LEFT - _RIGHT))


def _y(value: float, low: float, high: float) -> float:
    return float(HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM))
