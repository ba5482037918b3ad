"""Data flow one way: no module imports one that stands above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import napari_herbarium

PACKAGE = Path(napari_herbarium.__file__).parent
NAME = PACKAGE.name
# From the ground up; parts in one row may not know each other.
ROWS = (
    ("sheet",),
    ("model",),
    ("segment",),
    ("measure",),
    ("evaluate",),
    ("train",),
    ("batch",),
    ("_napari", "cli"),
    ("__main__",),
)
HEIGHT = {part: height for height, row in enumerate(ROWS) for part in row}
GROUND = -1  # modules beside the folders: errors, progress, settings, files and so on


def imported(file: Path) -> Iterator[str]:
    """Names of our modules that `file` imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith(NAME + "."))
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == NAME:
                yield from (f"{NAME}.{a.name}" for a in node.names)
            elif node.module.startswith(NAME + "."):
                yield node.module


def part_of(module: str) -> str:
    return module.split(".")[1]


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", files(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_only_what_stands_below(file: Path) -> None:
    own = file.relative_to(PACKAGE).with_suffix("").parts[0]
    height = HEIGHT.get(own, GROUND)
    above = [
        module
        for module in imported(file)
        if part_of(module) != own
        and HEIGHT.get(part_of(module), GROUND) >= max(height, 0)
    ]
    assert above == []
