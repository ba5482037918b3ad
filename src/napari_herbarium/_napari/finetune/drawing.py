"""Pictures of a training: its curves, and a crop with outlines. No Qt in here.

They are drawn in a background job, so that matplotlib never holds up the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.progress import Job, Progress

if TYPE_CHECKING:
    from napari_herbarium.train.report import Preview, TrainProgress

TRUTH, MODEL, WRONG = (0, 200, 255), (255, 140, 0), (255, 30, 60)
"""Colours of the true outline, the model's outline and the pixels it has wrong."""
_TINT = 0.45
_UNKNOWN = 0.35
_LIVE, _KEPT = "#8a8a8a", "#ff8c00"
_FONT = 8
_DPI = 100
_ROOM = 0.05  # of the steps, left and right of the curves
_LEAF = 1

Point = tuple[int, float]


@dataclass(frozen=True)
class Curves:
    """Points of the curves, each (step, value).

    Attributes
    ----------
    loss : tuple of points
        On the crops that are trained on; running mean of the epoch.
    val_loss, iou : tuple of points
        On held-out crops.
    """

    loss: tuple[Point, ...] = ()
    val_loss: tuple[Point, ...] = ()
    iou: tuple[Point, ...] = ()

    def with_progress(self, progress: TrainProgress) -> Curves:
        """Give the curves with what a report adds."""
        step, curves = progress.done, self
        if progress.loss is not None:
            curves = replace(curves, loss=(*curves.loss, (step, progress.loss)))
        if not progress.scored:
            return curves
        for name in ("val_loss", "iou"):
            value = getattr(progress, name)
            if value is not None:
                points = (*getattr(curves, name), (step, value))
                curves = replace(curves, **{name: points})
        return curves


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn.

    Attributes
    ----------
    curves : Curves
    preview : Preview or None
        None: leave the crop as it is.
    width, height : int
        Of the curves, in px of the screen.
    zoom : float
        Device pixels per px, on fine screens.
    ink : str
        Colour of text and axes.
    """

    curves: Curves
    preview: Preview | None
    width: int
    height: int
    zoom: float = 1.0
    ink: str = "white"


@dataclass(frozen=True)
class Drawn:
    """Pictures, as arrays of uint8.

    Attributes
    ----------
    curves : h x w x 4
    before, now : S x S x 3, or None where they stay as they are
    """

    curves: NDArray[np.uint8]
    before: NDArray[np.uint8] | None = field(default=None, repr=False)
    now: NDArray[np.uint8] | None = field(default=None, repr=False)


def iter_draw(drawing: Drawing) -> Job[Drawn]:
    """Draw curves and crop."""
    yield Progress(0, 0, "drawing")
    curves = draw_curves(drawing)
    shown = drawing.preview
    if shown is None:
        return Drawn(curves)
    return Drawn(curves, draw_crop(shown, shown.before), draw_crop(shown, shown.now))


def draw_curves(drawing: Drawing) -> NDArray[np.uint8]:
    """Draw loss and IoU over steps, side by side.

    Returns
    -------
    h x w x 4 uint8
        Transparent where nothing is drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    dpi = _DPI * drawing.zoom
    size = drawing.width / _DPI, drawing.height / _DPI
    figure = Figure(figsize=size, dpi=dpi, layout="constrained")
    figure.patch.set_alpha(0)
    canvas: Any = FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharex=True)
    _draw_loss(left, drawing)
    _plot(right, drawing.curves.iou, _KEPT, "held-out crops", marker="o")
    _dress(right, _iou_title(drawing.curves.iou), drawing.ink)
    if drawing.curves.loss and drawing.curves.val_loss:
        _add_legend(figure, left, drawing.ink)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def _draw_loss(axes: Any, drawing: Drawing) -> None:
    """Draw the loss, and let the steps of both pictures begin and end where it does."""
    curves = drawing.curves
    _plot(axes, curves.loss, _LIVE, "crops trained on", marker="")
    _plot(axes, curves.val_loss, _KEPT, "held-out crops", marker="o")
    last = max(step for step, _ in (*curves.loss, *curves.iou, (1, 0.0)))
    # A first point alone would lie between parts of a step.
    axes.set_xlim(-_ROOM * last, (1 + _ROOM) * last)
    _dress(axes, "loss", drawing.ink)


def _add_legend(figure: Any, axes: Any, ink: str) -> None:
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=_FONT,
        labelcolor=ink,
        frameon=False,
    )


def _plot(
    axes: Any, points: Sequence[Point], colour: str, label: str, marker: str
) -> None:
    if points:
        steps, values = zip(*points, strict=True)
        axes.plot(
            steps, values, color=colour, label=label, lw=1.3, marker=marker, ms=3.5
        )


def _iou_title(points: Sequence[Point]) -> str:
    values = [value for _, value in points if np.isfinite(value)]
    return f"IoU, best {max(values):.3f}" if values else "IoU"


def _dress(axes: Any, title: str, ink: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_facecolor("none")
    axes.set_title(title, color=ink, fontsize=_FONT + 1)
    axes.set_xlabel("steps", color=ink, fontsize=_FONT)
    axes.tick_params(colors=ink, labelsize=_FONT)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ink)


def draw_crop(preview: Preview, leaf: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Draw the true outline and a model's over a crop; what is wrong is tinted.

    Parameters
    ----------
    preview : Preview
        The crop and its truth.
    leaf : S x S bool
        What the model takes for leaf.

    Returns
    -------
    S x S x 3 uint8
        Pixels whose truth is not known are dark.
    """
    known = preview.truth <= _LEAF
    truth = preview.truth == _LEAF
    picture = preview.image.astype(np.float32)
    picture[~known] *= _UNKNOWN
    wrong = known & (leaf != truth)
    picture[wrong] = picture[wrong] * (1 - _TINT) + np.array(WRONG) * _TINT
    picture[_outline(truth)] = TRUTH
    picture[_outline(leaf & known)] = MODEL
    return picture.astype(np.uint8)


def _outline(leaf: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from skimage.segmentation import find_boundaries

    return find_boundaries(leaf, mode="thick")
