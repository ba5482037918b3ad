"""Change how a crop looks without moving anything: light, colour, sharpness, noise.

Herbaria differ in scanner, lamp, paper and age far more than leaves do, so the
changes are strong; each is applied to the whole crop at once.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

RGB = NDArray[np.uint8]


def relight(image: RGB, rng: np.random.Generator, strength: float = 1.0) -> RGB:
    """Change gain and gamma of each channel, and sometimes the lamp.

    Parameters
    ----------
    image : H x W x 3 uint8
    rng : numpy.random.Generator
    strength : float
        1 is the strength used for the bundled weights, 0 changes nothing.
    """
    gain = np.exp(rng.normal(0, 0.12 * strength) + rng.normal(0, 0.05 * strength, 3))
    if rng.random() < 0.1 * strength:
        gain = gain * np.array([1.15, 0.95, 0.65])  # tungsten light
    gamma = np.exp(rng.normal(0, 0.18 * strength) + rng.normal(0, 0.03 * strength, 3))
    lift = rng.normal(0, 8 * strength)
    ramp = np.arange(256)[:, None] / 255
    table = np.clip(255 * gain * ramp**gamma + lift, 0, 255).astype(np.uint8)
    return np.stack([table[:, c][image[..., c]] for c in range(3)], axis=-1)


def recolour(image: RGB, rng: np.random.Generator, strength: float = 1.0) -> RGB:
    """Change saturation, and the hue a little; rarely drop colour altogether."""
    factor = float(np.exp(rng.normal(0, 0.25 * strength)))
    if rng.random() < 0.03 * strength:
        factor = 0.0
    picture = ImageEnhance.Color(Image.fromarray(image)).enhance(factor)
    return np.asarray(picture)


def soften(image: RGB, rng: np.random.Generator) -> RGB:
    """Blur or sharpen, as scanners, lenses and resampling do."""
    picture = Image.fromarray(image)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8)))
    else:
        percent = int(rng.uniform(30, 150))
        picture = picture.filter(ImageFilter.UnsharpMask(1.5, percent, 0))
    return np.asarray(picture)


def add_noise(image: RGB, rng: np.random.Generator) -> RGB:
    """Add sensor noise."""
    noise = rng.normal(0, rng.uniform(2, 10), image.shape).astype(np.float32)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def compress(image: RGB, rng: np.random.Generator) -> RGB:
    """Pass through JPEG at a low quality."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.uniform(30, 85)))
    return np.asarray(Image.open(buffer).convert("RGB"))


def coarsen(image: RGB, rng: np.random.Generator) -> RGB:
    """Lose detail, as a small scan does that is enlarged to a working size.

    A leaf a few px wide in such a scan is a blurred stroke; only this shows it so.
    """
    size = image.shape[1], image.shape[0]
    factor = rng.uniform(1.3, 3.2)
    small = (max(1, round(size[0] / factor)), max(1, round(size[1] / factor)))
    picture = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    if rng.random() < 0.5:
        picture = Image.fromarray(compress(np.asarray(picture), rng))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


CHANGES = ((0.15, coarsen), (0.3, soften), (0.15, add_noise), (0.2, compress))
"""How often each change of sharpness and noise is made, in this order."""


def change_looks(image: RGB, rng: np.random.Generator, strength: float = 1.0) -> RGB:
    """Apply a random choice of the changes above.

    Parameters
    ----------
    image : H x W x 3 uint8
    rng : numpy.random.Generator
    strength : float
        0 changes nothing.
    """
    if strength <= 0:
        return image
    image = relight(image, rng, strength)
    image = recolour(image, rng, strength)
    for chance, change in CHANGES:
        if rng.random() < chance * strength:
            image = change(image, rng)
    return image
