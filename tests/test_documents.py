"""What the documents say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_herbarium.measure.dictionary import column_names

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
HERE = "https://github.com/napari-herbarium/napari-herbarium/blob/main/"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_of_ours_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    ours = [
        ROOT / target.removeprefix(HERE)
        if target.startswith(HERE)
        else document.parent / target
        for target in targets
        if target.startswith(HERE) or "://" not in target
    ]
    assert [str(path) for path in ours if not path.exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_columns_are_counted_right(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    said = re.findall(r"(\d+) columns a leaf", text)
    assert said == [str(len(column_names()))]
