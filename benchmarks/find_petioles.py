"""How often the petiole is found, at the end of the leaf where it is.

Run: ``python benchmarks/find_petioles.py ../shared/data``. In these sets the
petiole points down (left in coca), so a petiole found within 45 degrees of that is
right; a drip tip, lobe or tear taken for one mostly is elsewhere. Leaves without a
petiole in the mask are many in kew and nearly all in passiflora.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from skimage.io import imread

from napari_herbarium.measure.shape.lamina import find_lamina
from napari_herbarium.measure.shape.outline import trace_outline

DOWN, LEFT = np.array([1.0, 0.0]), np.array([0.0, -1.0])
SETS = {
    "swedish": ("leaves/masks/swedish*.png", DOWN),
    "kew": ("silhouettes/kew/*.png", DOWN),
    "passiflora": ("silhouettes/passiflora/*.png", DOWN),
    "coca": ("silhouettes/coca/*.png", LEFT),
}
COSINE = np.sqrt(0.5)


def petiole_cosine(path: Path, toward: np.ndarray) -> float:
    """Cosine of the angle between the petiole's end and where it should be."""
    picture = imread(path)
    mask = (picture if picture.ndim == 2 else picture[..., 0]) > 0
    lamina = find_lamina(mask, trace_outline(mask))
    if lamina.petiole is None:
        return float("nan")
    arm = lamina.petiole.ring.mean(axis=0) - lamina.centre
    return float(arm @ toward / np.hypot(*arm))


def main(data: Path, every: int = 1) -> None:
    for name, (pattern, toward) in SETS.items():
        paths = sorted(data.glob(pattern))[::every]
        cosines = np.array([petiole_cosine(path, toward) for path in paths])
        right, wrong = (cosines > COSINE).sum(), (cosines <= COSINE).sum()
        print(f"{name:10s} {len(paths):5d} leaves: {right} right, {wrong} elsewhere")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
