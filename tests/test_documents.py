"""What the documents say is so."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

from napari_herbarium.measure.dictionary import column_names

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PYPI = str(metadata("napari-herbarium").json["description"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_of_ours_lead_somewhere(document):
    ours = [
        document.parent / target
        for target in _targets(document.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert [str(path) for path in ours if not path.exists()] == []


def test_links_of_the_readme_are_whole_where_pypi_shows_it():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    here, there = _targets(text), _targets(PYPI)
    assert len(there) == len(here) > 0
    assert all(end.endswith(begin) for end, begin in zip(there, here, strict=True))
    assert [target for target in there if not target.startswith("https://")] == []


def _targets(text):
    return re.findall(r"\]\(([^)#\s]+)", text)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_columns_are_counted_right(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    said = re.findall(r"(\d+) columns a leaf", text)
    assert said == [str(len(column_names()))]
