"""What a training run tells whoever watches it, and what it gives in the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.progress import Progress


@dataclass(frozen=True)
class Score:
    """How well a network does on the held-out crops.

    Attributes
    ----------
    val_loss : float
        The recipe's loss, mean over crops.
    iou, precision, recall, boundary_f : float
        Of leaf, 0..1, over all pixels of all crops together (outlines within 2 px);
        NaN where there is nothing to count. See `napari_herbarium.evaluate.metrics`.
    """

    val_loss: float
    iou: float
    precision: float
    recall: float
    boundary_f: float

    def as_dict(self) -> dict[str, float]:
        """Give the numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Preview:
    """A held-out crop and what the model makes of it.

    Attributes
    ----------
    image : S x S x 3 uint8
        The crop.
    before, now : S x S bool
        Leaf by the model that the training started from, and by the present one.
    truth : S x S uint8
        0 not leaf, 1 leaf, 255 ignored.
    """

    image: NDArray[np.uint8]
    before: NDArray[np.bool_]
    now: NDArray[np.bool_]
    truth: NDArray[np.uint8]


@dataclass(frozen=True)
class TrainProgress(Progress):
    """How far a training has come.

    `done` and `total` count `what`: ``"sheets"`` while pairs are read and the base
    model looks at them, then ``"steps"``. The total of steps is an estimate where
    minutes are bounded, and may shrink or grow.

    Attributes
    ----------
    epoch : int
        The epoch that is going on, from 1; 0 before the first step.
    loss : float, optional
        Mean training loss of the epoch so far; None before the first step.
    val_loss, iou, precision, recall, boundary_f : float, optional
        The newest scores on held-out crops; None before the first scoring. The
        model that the training starts from is scored first, as epoch 0.
    scored : bool
        True on the one report after each scoring, when the scores are new: append
        a point to the curves then.
    best : bool
        True where these new scores are the best so far.
    seconds_left : float, optional
        Until the end, at the present speed; None while not known.
    preview : Preview, optional
        Given with new scores only.
    note : str
        Mostly empty. A sentence the user should read, such as that ImageNet weights
        could not be had; given once.
    """

    epoch: int = 0
    loss: float | None = None
    val_loss: float | None = None
    iou: float | None = None
    precision: float | None = None
    recall: float | None = None
    boundary_f: float | None = None
    scored: bool = False
    best: bool = False
    seconds_left: float | None = None
    preview: Preview | None = None
    note: str = ""


@dataclass(frozen=True)
class TrainedModel:
    """What a training run made.

    Attributes
    ----------
    folder : Path
        The model folder.
    name : str
        The model's name.
    before, after : Score
        On the held-out crops: of the model the training started from, and of the
        one that was kept.
    test : Score, optional
        On sheets that neither trained nor chose anything; None where there are none.
    epochs, steps : int
        Done in all.
    ended : str
        Why it ended: ``"all epochs"``, ``"no better"`` (early stopping),
        ``"minutes"``, ``"stopped"`` or ``"went astray"`` (such a training fails, but
        leaves the model of its best epoch).
    of_base : float
        Share of the weights that it started from in those that were kept.
    """

    folder: Path
    name: str
    before: Score
    after: Score
    test: Score | None
    epochs: int
    steps: int
    ended: str
    of_base: float = 0.0
