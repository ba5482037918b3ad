"""Whatever bytes are damaged: a picture of the stated size, or a sentence."""

from __future__ import annotations

import io
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_herbarium import SheetError, read_sheet

CASES = 30
SIDE = 48


def picture() -> np.ndarray:
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((SIDE, SIDE + 9)))


def tiff(*pages: tuple[np.ndarray, dict], bigtiff: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=bigtiff) as tif:
        for pixels, options in pages:
            tif.write(pixels, **{"photometric": "rgb", "metadata": None, **options})
    return buffer.getvalue()


def pillow(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, kind)
    return buffer.getvalue()


def one(**options) -> bytes:
    return tiff((picture(), options))


def pyramid() -> bytes:
    tiles = {"tile": (16, 16), "compression": "deflate"}
    return tiff(
        (picture(), {**tiles, "subifds": 1}),
        (picture()[::2, ::2], {**tiles, "subfiletype": 1}),
    )


def palette() -> bytes:
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256)
    options = {"photometric": "palette", "colormap": colours}
    return tiff((picture()[..., 0], options))


KINDS: dict[str, Callable[[], bytes]] = {
    "raw.tif": lambda: one(resolution=(6, 6)),
    "big.tif": lambda: tiff((picture(), {"compression": "lzw"}), bigtiff=True),
    "lzw.tif": lambda: one(compression="lzw", predictor=True, rowsperstrip=9),
    "tiles.tif": lambda: one(compression="deflate", tile=(16, 32)),
    "jpeg.tif": lambda: one(compression="jpeg", tile=(32, 32)),
    "jp2.tif": lambda: one(compression="jpeg2000", tile=(32, 32)),
    "packbits.tif": lambda: one(compression="packbits", rowsperstrip=9),
    "profile.tif": lambda: one(iccprofile=imagecodecs.cms_profile("adobergb")),
    "deep.tif": lambda: tiff((picture().astype(np.uint16) * 257, {})),
    "palette.tif": palette,
    "pyramid.tif": pyramid,
    "pages.tif": lambda: tiff((picture()[::4, ::4], {}), (picture(), {})),
    "sheet.png": lambda: pillow("PNG"),
    "sheet.jpg": lambda: pillow("JPEG"),
    "sheet.jp2": lambda: pillow("JPEG2000"),
}


def damage(whole: bytes, rng: np.random.Generator) -> bytes:
    """One to four bytes changed, or the end cut off."""
    if rng.random() < 0.2:
        return whole[: rng.integers(len(whole))]
    data = bytearray(whole)
    for position in rng.integers(len(data), size=rng.integers(1, 5)):
        data[position] = rng.integers(256)
    return bytes(data)


@pytest.mark.parametrize("name", KINDS)
def test_damaged_bytes_give_a_picture_or_a_sentence(tmp_path, name):
    rng = np.random.default_rng(sum(name.encode()))
    whole = KINDS[name]()
    path = tmp_path / name
    outcomes = set()
    for _ in range(CASES):
        path.write_bytes(damage(whole, rng))
        try:
            sheet = read_sheet(path)
            pixels = [np.asarray(level) for level in (sheet.image, *sheet.levels)]
        except SheetError as error:
            outcomes.add(str(error).split(" ")[0])
            continue
        outcomes.add("picture")
        stated = (sheet.metadata["height"], sheet.metadata["width"], 3)
        assert pixels[0].shape == pixels[1].shape == stated
    assert outcomes <= {"picture", name}
    assert name in outcomes
    path.write_bytes(whole)
    assert read_sheet(path).image.shape == picture().shape
