"""From a scene or an instance to what the classifier sees, and samples for training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import find_objects

from napari_herbarium.measure.whole.input import label_square, network_input
from napari_herbarium.model.whole_network import WholeConfig
from napari_herbarium.segment.working_size import as_bytes
from napari_herbarium.train.crops.cut import affine_map, one_of, warp
from napari_herbarium.train.whole.canvas import bent_back, largest
from napari_herbarium.train.whole.instances import OTHERS, OWN, Instance
from napari_herbarium.train.whole.scenes import Scene, any_maker, seen_scene
from napari_herbarium.train.whole.silhouettes import Silhouette

Square = NDArray[np.uint8]


@dataclass(frozen=True)
class Rough:
    """How an outline is seen.

    Attributes
    ----------
    long_side : float
        Of the label, in px.
    blur : float
        In px, before the mask is cut at a level.
    level : float
        0..1; above one half the leaf gets smaller.
    wander : float
        How much the level differs from place to place.
    """

    long_side: float
    blur: float
    level: float
    wander: float


def any_roughness(rng: np.random.Generator) -> Rough:
    """Any size from 16 to 260 px, with the slips of a predicted outline."""
    return Rough(
        float(np.exp(rng.uniform(np.log(16), np.log(260)))),
        float(rng.choice([0, rng.uniform(0.3, 1.6)])),
        float(rng.uniform(0.35, 0.65)),
        float(rng.choice([0, rng.uniform(0, 0.25)])),
    )


def scene_window(
    scene: Scene, rough: Rough, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw a scene as it would be seen on a sheet, as the window of an `Instance`."""
    scale = rough.long_side / max(np.ptp(np.argwhere(scene.own), axis=0) + 1)
    own = largest(_seen(scene.own, scale, rough, rng))
    others = _seen(scene.others, scale, rough, rng) & ~own
    return np.where(own, OWN, np.where(others, OTHERS, 0)).astype(np.uint8)


def window_square(window: NDArray[np.uint8], size: int) -> Square:
    """Draw a window of an `Instance` into the classifier's square."""
    box = find_objects(window, max_label=OWN)[0]
    return label_square(window, box, OWN, size)


def turned(
    instance: Instance, rng: np.random.Generator, lonely: float = 0.3
) -> NDArray[np.uint8]:
    """Turn, flip and stretch an instance's window; now and then without others."""
    picture = Image.fromarray(instance.window)
    height, width = instance.window.shape
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.15)
    side = int(np.hypot(height, width)) + 2
    back = bent_back(rng, angle, scale)
    data = affine_map(back, np.full(2, side / 2), np.array([width, height]) / 2)
    result = warp(picture, side, data, smooth=False)
    if not (result == OWN).any():
        return instance.window
    if rng.random() < lonely:
        result[result == OTHERS] = 0
    return result


def sampler(
    silhouettes: Sequence[Silhouette],
    instances: Sequence[Instance],
    config: WholeConfig,
    real: float = 0.45,
) -> Callable[[np.random.Generator], tuple[NDArray, NDArray]]:
    """Mix of made scenes and turned instances.

    Parameters
    ----------
    silhouettes, instances : sequences
        What to draw from; every species and every instance equally often.
    config : WholeConfig
        Of the network that learns.
    real : float
        Share of instances.

    Returns
    -------
    callable
        Gives what the network eats, channels last, and 0 or 1, both float32, for a
        generator.
    """
    species = by_species(silhouettes)
    pools = {
        whole: [i for i in instances if i.whole is whole] for whole in (True, False)
    }

    def draw(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        whole = bool(rng.random() < 0.5)
        pool = pools[whole]
        if pool and rng.random() < real:
            instance = one_of(pool, rng)
            square = window_square(turned(instance, rng), config.size)
        else:
            square = made_square(species, whole, config.size, rng)
        given = network_input(square, config.architecture)
        return np.moveaxis(given, 0, 2), np.array(whole, np.float32)

    return draw


def made_square(
    species: list[list[Silhouette]], whole: bool, size: int, rng: np.random.Generator
) -> Square:
    """Make one example from silhouettes grouped by species."""
    own = one_of(species, rng)

    def pick() -> Silhouette:
        # Leaves on a sheet are mostly of one species.
        return one_of(own if rng.random() < 0.85 else one_of(species, rng), rng)

    scene = seen_scene(any_maker(rng, whole=whole), rng, pick)
    return window_square(scene_window(scene, any_roughness(rng), rng), size)


def by_species(silhouettes: Sequence[Silhouette]) -> list[list[Silhouette]]:
    """Group silhouettes by their species."""
    groups: dict[str, list[Silhouette]] = {}
    for silhouette in silhouettes:
        groups.setdefault(silhouette.species, []).append(silhouette)
    return list(groups.values())


def _seen(
    mask: NDArray[np.bool_], scale: float, rough: Rough, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Resize a mask, blur it and cut it at a level."""
    side = max(8, round(mask.shape[0] * scale))
    picture = Image.fromarray(as_bytes(mask))
    picture = picture.resize((side, side), Image.Resampling.BILINEAR)
    if rough.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(rough.blur))
    level: NDArray | float = 255 * rough.level
    if rough.wander:
        level = level + 255 * rough.wander * _waves(side, rng)
    grey = np.asarray(picture)
    # The clearest px stays, so that nothing vanishes.
    return (grey >= np.clip(level, 1, 254)) | (grey == max(grey.max(), 1))


def _waves(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise, some 8 px from crest to crest."""
    coarse = rng.normal(0, 1, (max(2, side // 8),) * 2).astype(np.float32)
    picture = Image.fromarray(coarse)
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
