"""The core runs where napari and Qt are absent, and torch comes only when needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import napari_herbarium

PACKAGE = Path(napari_herbarium.__file__).parent

BLOCK = """
import sys
class Absent:
    names = {"napari", "qtpy", "PyQt6", "PySide6", "magicgui", "superqt", "vispy"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is absent in this test", name=name)
sys.meta_path.insert(0, Absent())
"""


def core_modules() -> list[str]:
    files = (p.relative_to(PACKAGE.parent) for p in PACKAGE.rglob("*.py"))
    names = (".".join(p.with_suffix("").parts) for p in files)
    return sorted(
        n.removesuffix(".__init__")
        for n in names
        if "._napari" not in n and not n.endswith("__main__")
    )


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_block_blocks() -> None:
    with pytest.raises(AssertionError, match="napari is absent in this test"):
        run_python(BLOCK + "import napari")


def test_every_module_of_the_core_imports_alone() -> None:
    names = core_modules()
    assert "napari_herbarium.settings" in names
    run_python(
        BLOCK + f"import importlib\nfor n in {names}: importlib.import_module(n)"
    )


def test_every_public_name_is_there_alone() -> None:
    run_python(
        BLOCK + "import napari_herbarium as n\nfor name in n.__all__: getattr(n, name)"
    )


@pytest.mark.slow
def test_a_sheet_becomes_leaves_and_a_table_alone() -> None:
    out = run_python(
        BLOCK
        + """
import torch
torch.set_num_threads(1)
from napari_herbarium import SegmentSettings, drawn_sheet, extract_leaves, segment
from napari_herbarium import measure
drawn = drawn_sheet(dpi=60)
settings = SegmentSettings(detail="fast", device="cpu")
probability = segment(drawn.sheet.image, settings=settings)
labels = extract_leaves(probability, mm_per_px=drawn.mm_per_px)
table = measure(labels, drawn.mm_per_px)
print(labels.shape == drawn.labels.shape, len(table) == labels.max() > 0)
"""
    )
    assert out.split() == ["True", "True"]


@pytest.mark.parametrize(
    "module",
    [
        "napari_herbarium",
        "napari_herbarium._napari.reader",
        "napari_herbarium._napari.sample",
        "napari_herbarium._napari.segment.widget",
        "napari_herbarium.cli",
    ],
)
def test_importing_it_does_not_import_torch(module: str) -> None:
    out = run_python(f"import sys, {module}\nprint('torch' in sys.modules)")
    assert out.strip() == "False"


def test_the_public_names_are_listed_without_loading_them() -> None:
    out = run_python(
        "import sys, napari_herbarium as n\n"
        "print('read_sheet' in dir(n), 'numpy' in sys.modules)"
    )
    assert out.split() == ["True", "False"]


def test_a_name_we_do_not_have_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="'flowers'"):
        napari_herbarium.flowers  # noqa: B018
