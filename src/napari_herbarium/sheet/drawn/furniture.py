"""What is on a herbarium sheet besides the plant: label, ruler, chart, stamp."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_herbarium.sheet.drawn.canvas import Canvas, Colour, ribbon
from napari_herbarium.sheet.drawn.leaf import Points
from napari_herbarium.sheet.drawn.plan import BARCODE, CHART, LABEL, RULER, STAMP

CATALOG_NUMBER = "NH00000001"
INK: Colour = (46, 42, 40)
STAMP_INK: Colour = (96, 62, 128)
LINEN: Colour = (232, 226, 208)

# Patches as usual on colour targets, sRGB.
_PATCHES: tuple[tuple[Colour, ...], tuple[Colour, ...]] = (
    (
        (115, 82, 68),
        (194, 150, 130),
        (98, 122, 157),
        (87, 108, 67),
        (133, 128, 177),
        (103, 189, 170),
        (214, 126, 44),
        (80, 91, 166),
        (193, 90, 99),
        (94, 60, 108),
        (157, 188, 64),
        (224, 163, 46),
    ),
    (
        (56, 61, 150),
        (70, 148, 73),
        (175, 54, 60),
        (231, 199, 31),
        (187, 86, 149),
        (8, 133, 161),
        (243, 243, 242),
        (200, 200, 200),
        (160, 160, 160),
        (122, 122, 121),
        (85, 85, 85),
        (52, 52, 52),
    ),
)
# Down from the top of the label, and size of the letters, in mm.
_LABEL_LINES = (
    (6.0, 4.0, "HERBARIUM NAPARIENSE"),
    (12.0, 2.5, "Flora of the drawn sheet"),
    (19.5, 4.6, "Folia ficta Py."),
    (26.8, 2.8, "var. numerica"),
    (36.0, 2.7, "Loc.: edge of a wood, on loam, 120 m a.s.l."),
    (42.0, 2.7, "Hab.: hedge with oak, maple and willow"),
    (48.0, 2.7, "Leg.: N. Array    No. 256    Date: 1 May 2026"),
    (54.0, 2.7, "Det.: P. Colour"),
)
_STAMP_LINES = (("HERBARIUM", 3.1, 0.36), ("NAPARI", 4.0, 0.5), ("2026", 3.0, 0.66))


def draw_furniture(canvas: Canvas) -> None:
    """Ruler, colour chart, label, barcode and stamp."""
    _ruler(canvas)
    _chart(canvas)
    _label(canvas)
    _barcode(canvas)
    _stamp(canvas)


def draw_tape(canvas: Canvas, x: float, y: float, angle: float) -> Points:
    """Lay a strip of linen over (x, y), turned by `angle` radians; its outline."""
    along = np.array([np.cos(angle), np.sin(angle)])
    line = np.array([x, y]) + np.linspace(-8, 8, 8)[:, None] * along
    strip = ribbon(line, (3.6, 3.6))
    canvas.shadow(strip, 0.4, 0.3)
    canvas.fill(strip, LINEN)
    for part in np.linspace(-0.8, 0.8, 7):
        thread = ribbon(line, (3.6, 3.6), part) * (1, 1)
        canvas.fill(_hairline(thread), (205, 198, 178), 0.5)
    return strip


def _hairline(outline: Points) -> Points:
    """Shrink a ribbon to a thread along its middle."""
    half = len(outline) // 2
    middle = (outline[:half] + outline[half:][::-1]) / 2
    return ribbon(middle, (0.12, 0.12))


def _card(
    canvas: Canvas, place: tuple[float, float, float, float], colour: Colour
) -> None:
    x, y, w, h = place
    corners = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    canvas.shadow(corners, 0.5, 0.35)
    canvas.fill(corners, colour)


def _ruler(canvas: Canvas) -> None:
    """Ticks each mm, longer at 5 and 10, centred where they belong to the sub-pixel."""
    x, y, w, h = RULER
    _card(canvas, RULER, (244, 242, 234))
    zero = x + 3
    for mm in range(151):
        long = 7.0 if mm % 10 == 0 else 5.0 if mm % 5 == 0 else 3.2
        canvas.box(zero + mm - 0.1, y, 0.2, long, (30, 30, 30))
        if mm % 10 == 0:
            shift = 0.8 if mm < 100 else 1.6
            canvas.text(zero + mm - shift, y + 7.4, str(mm // 10), 3.0, (30, 30, 30))
    for cm in range(15):
        dark = (40, 40, 40) if cm % 2 == 0 else (225, 223, 214)
        canvas.box(zero + 10 * cm, y + h - 4, 10, 2.4, dark)
    canvas.text(x + w - 8.6, y + 7.9, "cm", 2.4, (30, 30, 30))


def _chart(canvas: Canvas) -> None:
    x, y, w, _ = CHART
    _card(canvas, CHART, (38, 38, 40))
    pitch = (w - 2) / 12
    for row, patches in enumerate(_PATCHES):
        for column, colour in enumerate(patches):
            left, top = x + 1.4 + pitch * column, y + 1.2 + 8.0 * row
            canvas.box(left, top, pitch - 0.8, 7.2, colour)


def _label(canvas: Canvas) -> None:
    x, y, w, h = LABEL
    _card(canvas, LABEL, (240, 234, 214))
    for inset in (2.0, 2.8):
        _frame(canvas, x + inset, y + inset, w - 2 * inset, h - 2 * inset)
    for down, size, words in _LABEL_LINES:
        canvas.text(x + 7, y + down, words, size, INK)
    canvas.box(x + 7, y + 17.2, w - 14, 0.2, INK)


def _frame(canvas: Canvas, x: float, y: float, w: float, h: float) -> None:
    pen = 0.25
    for box in ((x, y, w, pen), (x, y + h - pen, w, pen)):
        canvas.box(*box, INK)
    for box in ((x, y, pen, h), (x + w - pen, y, pen, h)):
        canvas.box(*box, INK)


def _barcode(canvas: Canvas) -> None:
    x, y, w, h = BARCODE
    _card(canvas, BARCODE, (246, 246, 242))
    bits = np.unpackbits(np.frombuffer(CATALOG_NUMBER.encode(), np.uint8))
    pitch = (w - 10) / len(bits)
    for i, bit in enumerate(bits):
        if bit:
            canvas.box(x + 5 + i * pitch, y + 6.5, pitch * 1.02, 10.5, (24, 24, 24))
    canvas.text(x + 5, y + 1.4, "Herbarium Napariense", 3.0, INK)
    canvas.text(x + 12, y + h - 5.6, " ".join(CATALOG_NUMBER), 2.8, INK)


def _stamp(canvas: Canvas) -> None:
    """Stamp the sheet, the ink a little uneven and its words along a chord."""
    x, y, r = STAMP
    scale = canvas.px_per_mm
    side = round(2 * r * scale)
    ink = Image.new("L", (side * 2, side * 2))
    pen = ImageDraw.Draw(ink)
    width = max(round(0.5 * scale * 2), 1)
    for inset in (0.3, 1.3):
        edge = inset * scale * 2
        ring = (edge, edge, 2 * side - edge, 2 * side - edge)
        pen.ellipse(ring, outline=210, width=width)
    for words, size, down in _STAMP_LINES:
        font = ImageFont.load_default(size * scale * 2)
        pen.text((side, down * 2 * side), words, fill=210, font=font, anchor="mm")
    turned = ink.rotate(14, Image.Resampling.BICUBIC).reduce(2)
    cover = np.asarray(turned, np.float32) / 255
    rows = np.linspace(0, 9, side)[:, None] + np.linspace(0, 5, side)[None]
    canvas.ink(x - r, y - r, cover * (0.72 + 0.18 * np.sin(rows)), STAMP_INK)
