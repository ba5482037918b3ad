"""Where everything lies on the drawn sheet, in millimetres.

The plan knows nothing of pixels, so a sheet drawn at any resolution shows the
same plants in the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageDraw

from napari_herbarium.sheet.drawn.leaf import DrawnLeaf, Form, Points

WIDTH_MM, HEIGHT_MM = 280.0, 420.0
GAP_MM = 1.2
CHART = (10.0, 10.0, 96.0, 18.0)
RULER = (114.0, 10.0, 156.0, 16.0)
LABEL = (166.0, 340.0, 104.0, 68.0)
BARCODE = (10.0, 386.0, 56.0, 24.0)
STAMP = (122.0, 397.0, 12.5)

OLIVE = (106.0, 106.0, 62.0)
DARK_OLIVE = (84.0, 82.0, 54.0)
BROWN = (122.0, 92.0, 58.0)
RUST = (132.0, 84.0, 50.0)
STRAW = (163.0, 144.0, 88.0)
GREY_GREEN = (114.0, 114.0, 84.0)


@dataclass(frozen=True)
class Stem:
    """A stem or petiole: a line N x 2 (x, y) with its width along it, in mm."""

    line: Points
    width: tuple[float, float]
    tone: tuple[float, float, float]


@dataclass
class Plan:
    """All that is drawn over the paper, in mm."""

    leaves: list[DrawnLeaf] = field(default_factory=list)
    stems: list[Stem] = field(default_factory=list)
    tapes: list[tuple[float, float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Habit:
    """How one kind of plant carries its leaves."""

    form: Form
    tones: tuple[tuple[float, float, float], ...]
    length: float
    slender: float
    petiole: float
    spread: float


_SERRATE = _Habit(Form.TOOTHED, (OLIVE, DARK_OLIVE, BROWN), 46, 0.56, 9, 0.95)
_WILLOW = _Habit(Form.LANCEOLATE, (GREY_GREEN, STRAW, OLIVE), 44, 0.2, 4, 0.7)
_OAK = _Habit(Form.LOBED, (BROWN, RUST, OLIVE), 48, 0.56, 5, 0.9)
_MAPLE = _Habit(Form.PALMATE, (RUST, STRAW, RUST), 26, 1.5, 15, 0.9)
_PINNATE = _Habit(Form.LEAFLET, (DARK_OLIVE, GREY_GREEN), 21, 0.42, 1.5, 1.05)
_ENTIRE = _Habit(Form.OVATE, (STRAW, OLIVE, GREY_GREEN), 30, 0.62, 6, 0.85)


class _Planner:
    """Lays leaves along branches and refuses those that would touch another."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.plan = Plan()
        self._taken = Image.new("1", (int(WIDTH_MM * 4), int(HEIGHT_MM * 4)), 1)
        free = ImageDraw.Draw(self._taken)
        free.rectangle((8 * 4, 32 * 4, (WIDTH_MM - 8) * 4, (HEIGHT_MM - 6) * 4), fill=0)
        for x, y, w, h in (LABEL, BARCODE):
            free.rectangle(((x - 3) * 4, (y - 3) * 4, (x + w) * 4, (y + h) * 4), fill=1)
        x, y, r = STAMP
        free.ellipse(((x - r) * 4, (y - r) * 4, (x + r) * 4, (y + r) * 4), fill=1)

    def branch(
        self,
        bones: list[tuple[float, float]],
        habit: _Habit,
        count: int,
        width: tuple[float, float],
        *,
        opposite: bool = False,
    ) -> None:
        """Grow a stem through `bones` (mm) with `count` nodes and a leaf at its tip."""
        line = smooth_line(bones)
        self.plan.stems.append(Stem(line, width, self._bark()))
        for i, part in enumerate(np.linspace(0.12, 0.96, count)):
            sides = (-1, 1) if opposite else ((-1, 1)[i % 2],)
            for side in sides:
                self._node(line, part, side, habit)
        self._node(line, 1.0, 0, habit)

    def loose(self, place: tuple[float, float], heading: float, habit: _Habit) -> None:
        """Lay down a single leaf with its petiole, in no place along a branch."""
        self._node(np.array([place, place], float), 0.5, 0, habit, heading)

    def tape(self, x: float, y: float, angle: float) -> None:
        """Hold a stem down with a strip of linen."""
        self.plan.tapes.append((x, y, angle))

    def _node(
        self,
        line: Points,
        part: float,
        side: int,
        habit: _Habit,
        heading: float | None = None,
    ) -> None:
        """Try to carry a leaf here; a leaf that finds no room is left out."""
        at = int(part * (len(line) - 1))
        start = line[at]
        heading = _heading(line, at) if heading is None else heading
        for squeeze in (1.0, 0.9, 0.78, 0.66, 0.54):
            leaf, petiole = self._leaf(start, heading, side, habit, squeeze, part)
            if self._room_for(leaf):
                self._take(leaf)
                self.plan.leaves.append(leaf)
                self.plan.stems.append(petiole)
                return

    def _leaf(
        self,
        start: Points,
        heading: float,
        side: int,
        habit: _Habit,
        squeeze: float,
        part: float,
    ) -> tuple[DrawnLeaf, Stem]:
        rng = self.rng
        age = 0.72 + 0.5 * np.sin(np.pi * min(part, 0.97)) * rng.uniform(0.8, 1.1)
        length = habit.length * squeeze * age
        angle = heading + side * (habit.spread + rng.normal(0, 0.13))
        petiole = habit.petiole * squeeze * rng.uniform(0.85, 1.15)
        end = start + petiole * np.array([np.cos(angle), np.sin(angle)])
        middle = (start + end) / 2 + rng.normal(0, petiole * 0.06, 2)
        tone = np.array(habit.tones[rng.integers(len(habit.tones))])
        leaf = DrawnLeaf(
            form=habit.form,
            base=(float(end[0]), float(end[1])),
            angle=float(angle + rng.normal(0, 0.08)),
            length=float(length),
            width=float(length * habit.slender * rng.uniform(0.88, 1.12)),
            bend=float(rng.normal(0, 0.06)),
            tone=_rgb(tone * rng.uniform(0.92, 1.1) + rng.normal(0, 2.2, 3)),
        )
        line = smooth_line([tuple(start), tuple(middle), tuple(end)], 24)
        thick = 0.35 + 0.012 * length
        return leaf, Stem(line, (thick * 1.15, thick * 0.85), _rgb(tone * 0.86))

    def _room_for(self, leaf: DrawnLeaf) -> bool:
        margin = np.array(_quarter_mm(leaf.outline()))
        low, high = np.floor(margin.min(axis=0)), np.ceil(margin.max(axis=0)) + 1
        mine = Image.new("1", (int(high[0] - low[0]), int(high[1] - low[1])))
        ImageDraw.Draw(mine).polygon([tuple(p) for p in margin - low], fill=1)
        # Beyond the sheet a crop is empty, hence free: the free area ends before it.
        there = self._taken.crop((*low.astype(int), *high.astype(int)))
        return not np.any(np.asarray(mine) & np.asarray(there))

    def _take(self, leaf: DrawnLeaf) -> None:
        margin = _quarter_mm(leaf.outline())
        pen = ImageDraw.Draw(self._taken)
        pen.polygon(margin, fill=1)
        pen.line([*margin, margin[0]], fill=1, width=int(GAP_MM * 8))

    def _bark(self) -> tuple[float, float, float]:
        return _rgb(np.array([104.0, 84.0, 60.0]) * self.rng.uniform(0.85, 1.1))


def make_plan(seed: int) -> Plan:
    """Plants of six kinds, mounted on a sheet of 280 x 420 mm."""
    planner = _Planner(seed)
    planner.branch(
        [(148, 384), (112, 300), (164, 170), (124, 74)], _SERRATE, 15, (3, 1.1)
    )
    planner.branch([(52, 372), (40, 290), (60, 190), (44, 62)], _WILLOW, 24, (2, 0.7))
    planner.branch([(210, 296), (228, 262), (212, 216)], _OAK, 6, (2.4, 1.2))
    planner.branch(
        [(220, 176), (232, 130), (214, 58)], _PINNATE, 9, (1.2, 0.5), opposite=True
    )
    planner.branch([(98, 402), (84, 366), (92, 336)], _ENTIRE, 4, (1.2, 0.6))
    planner.loose((218, 334), -1.45, _MAPLE)
    for x, y, angle in ((139, 352, 0.1), (50, 344, -0.1), (214, 289, 0.05)):
        planner.tape(x, y, angle)
    for x, y, angle in ((141, 170, 0.12), (50, 130, 0.05), (221, 172, -0.05)):
        planner.tape(x, y, angle)
    planner.plan.leaves = [
        _with_holes(leaf, planner.rng) for leaf in planner.plan.leaves
    ]
    return planner.plan


def _with_holes(leaf: DrawnLeaf, rng: np.random.Generator) -> DrawnLeaf:
    """Let insects eat from one large leaf in five."""
    if leaf.length < 35 or leaf.width < 15 or rng.random() > 0.28:
        return leaf
    holes = tuple(
        (leaf.length * u, leaf.width * 0.2 * side, float(rng.uniform(1.0, 2.2)))
        for u, side in ((0.38, 1), (0.5, -1))[: rng.integers(1, 3)]
    )
    return replace(leaf, holes=holes)


def smooth_line(bones: Sequence[tuple[float, ...]], count: int = 120) -> Points:
    """Draw a smooth line (Bezier) from the first to the last of `bones`, N x 2."""
    points = np.asarray(bones, float)
    t = np.linspace(0, 1, count)[:, None, None]
    level = np.repeat(points[None], count, axis=0)
    while level.shape[1] > 1:
        level = level[:, :-1] * (1 - t) + level[:, 1:] * t
    return np.asarray(level[:, 0])


def _heading(line: Points, at: int) -> float:
    dx, dy = line[min(at + 3, len(line) - 1)] - line[max(at - 3, 0)]
    return float(np.arctan2(dy, dx))


def _quarter_mm(points: Points) -> list[tuple[float, float]]:
    return [(x * 4, y * 4) for x, y in points]


def _rgb(tone: Points) -> tuple[float, float, float]:
    r, g, b = np.clip(tone, 20, 235)
    return float(r), float(g), float(b)
