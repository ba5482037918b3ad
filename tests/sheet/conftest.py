"""Small scans and ways to write them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

Save = Callable[..., Path]


@pytest.fixture
def scan() -> np.ndarray:
    """97 x 70 x 3 uint8, smooth enough to compress, different at every turn."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((70, 97), Image.Resampling.BICUBIC))


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """save(pixels, name="sheet.tif", **options of tifffile) -> path."""

    def save(pixels: Any, name: str = "sheet.tif", **options: Any) -> Path:
        path = tmp_path / name
        defaults = {} if "photometric" in options else {"photometric": "rgb"}
        tifffile.imwrite(path, pixels, metadata=None, **defaults, **options)
        return path

    return save


@pytest.fixture
def save_pages(tmp_path: Path) -> Save:
    """save_pages([(pixels, options), ...]) -> path of a TIFF with these pages."""

    def save_pages(pages: list[tuple[Any, dict[str, Any]]]) -> Path:
        path = tmp_path / "pages.tif"
        with tifffile.TiffWriter(path) as tif:
            for pixels, options in pages:
                defaults = {} if "photometric" in options else {"photometric": "rgb"}
                tif.write(pixels, metadata=None, **defaults, **options)
        return path

    return save_pages


@pytest.fixture
def save_bare(tmp_path: Path) -> Save:
    """save_bare(tags, data) -> path of a one-strip TIFF with just these tags.

    `tags` maps codes to (type, values); offsets and byte counts are added.
    """

    def save_bare(tags: dict[int, tuple[int, list[int]]], data: bytes) -> Path:
        tags = {**tags, 273: (4, [8]), 279: (4, [len(data)])}
        formats = {3: "H", 4: "I"}
        directory = 8 + len(data) + len(data) % 2
        extra = directory + 2 + 12 * len(tags) + 4
        entries, values = io.BytesIO(), io.BytesIO()
        for code, (kind, numbers) in sorted(tags.items()):
            packed = struct.pack(f"<{len(numbers)}{formats[kind]}", *numbers)
            inline = packed.ljust(4, b"\0")
            if len(packed) > 4:
                inline = struct.pack("<I", extra + values.tell())
                values.write(packed)
            entries.write(struct.pack("<HHI", code, kind, len(numbers)) + inline)
        head = b"II\x2a\x00" + struct.pack("<I", directory)
        body = data + b"\0" * (len(data) % 2) + struct.pack("<H", len(tags))
        path = tmp_path / "bare.tif"
        path.write_bytes(
            head + body + entries.getvalue() + b"\0" * 4 + values.getvalue()
        )
        return path

    return save_bare
