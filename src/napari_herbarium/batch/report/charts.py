"""Histograms as SVG, so that a page needs no picture files."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, BARS = 280, 120, 30
_TOP, _BOTTOM = 20, 18


def histogram(values: Any, title: str) -> str:
    """Draw a histogram.

    Parameters
    ----------
    values : sequence of float
        NaN and None are left out; so are the highest 1 % where they stretch the axis.
    title : str
        Written above.

    Returns
    -------
    str
        SVG, empty when there is no value.
    """
    numbers = np.array(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if not numbers.size:
        return ""
    low, high = float(numbers.min()), float(numbers.max())
    usual = float(np.percentile(numbers, 99))
    if high > 2 * usual > 0:
        high = usual
    counts, edges = np.histogram(numbers, BARS, (low, high if high > low else low + 1))
    return _svg(counts, float(edges[0]), float(edges[-1]), title, numbers)


def _svg(counts: Any, low: float, high: float, title: str, numbers: Any) -> str:
    height = HEIGHT - _TOP - _BOTTOM
    step = WIDTH / len(counts)
    tops = counts / max(1, counts.max()) * height
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{_TOP + height - top:.1f}" '
        f'width="{step - 1:.1f}" height="{top:.1f}" fill="#5b8c3e"/>'
        for i, top in enumerate(tops)
        if top
    )
    middle = float(np.median(numbers))
    told = f"{title} (n {numbers.size:,}, median {_number(middle)})"
    base = HEIGHT - 5
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(told)}"><text x="0" y="12">{escape(told)}</text>{bars}'
        f'<text x="0" y="{base}">{_number(low)}</text>'
        f'<text x="{WIDTH}" y="{base}" text-anchor="end">{_number(high)}</text></svg>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
