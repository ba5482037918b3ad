"""The page at the end of a run: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np

from napari_herbarium import words
from napari_herbarium.batch.plan import Plan
from napari_herbarium.batch.records.ledger import Entry, State
from napari_herbarium.batch.records.schema import STEPS
from napari_herbarium.batch.records.store import read_columns
from napari_herbarium.batch.report.charts import histogram
from napari_herbarium.batch.report.contact import (
    Picture,
    contact_pictures,
    failed_pictures,
)
from napari_herbarium.batch.report.style import PAGE
from napari_herbarium.files import write_text

PICTURES = 12
MOST_NAMED = 8
MOST_PARTS = 3000
"""Histograms of larger runs are made of so many sheets, evenly chosen."""
TRAITS = (
    ("area_mm2", "Leaf area, mm²"),
    ("area_px", "Leaf area, px"),
    ("length_mm", "Leaf length, mm"),
    ("width_mm", "Leaf width, mm"),
    ("length_width_ratio", "Length / width"),
    ("solidity", "Solidity"),
    ("whole_probability", "Probability of a whole leaf"),
)


def write_report(plan: Plan, entries: Sequence[Entry]) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    plan : Plan
        The run.
    entries : sequence of Entry
        How each sheet ended.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    HerbariumError
        It cannot be written.
    """
    done = [entry for entry in entries if entry.state is State.DONE]
    failed = [entry for entry in entries if entry.state is State.FAILED]
    by_confidence = sorted(done, key=lambda e: (e.facts.get("confidence", 0), e.name))
    some_failed = evenly(failed, PICTURES)
    half = (len(done) + 1) // 2
    doubtful = by_confidence[: min(PICTURES, half)]
    good = evenly(by_confidence[half:], PICTURES)
    sections = [
        _counts(entries, done),
        _timing(done),
        _reviewed(done),
        _failures(failed),
        _skipped([e for e in entries if e.state is State.SKIPPED]),
        _contact("Least sure of", contact_pictures(plan, doubtful), _ABOUT_DOUBT),
        _contact("Surest half, a sample", contact_pictures(plan, good), ""),
        _contact("Failed, a sample", failed_pictures(some_failed), _ABOUT_FAILED),
        _histograms(plan, done),
        _settings(plan),
    ]
    page = PAGE.replace("$title", escape(plan.layout.out.name))
    page = page.replace("$body", "\n".join(section for section in sections if section))
    write_text(plan.layout.report, page)
    return plan.layout.report


_ABOUT_DOUBT = (
    "Confidence is the share of the possible leaf that is certainly leaf; 0 means that "
    "no certain leaf was found. Look at these first, in the widget Batch review."
)
_ABOUT_FAILED = (
    "Sheets that can be opened at all are shown; a sheet that ended its worker is not "
    "opened again here."
)


def evenly(entries: Sequence[Entry], count: int) -> list[Entry]:
    """Choose some of many, the same ones each time."""
    if len(entries) <= count:
        return list(entries)
    places = np.linspace(0, len(entries) - 1, count).round().astype(int)
    return [entries[place] for place in places]


def _box(counted: str) -> str:
    number, _, what = counted.partition(" ")
    return f"<div><b>{number}</b>{escape(what)}</div>"


def _counts(entries: Sequence[Entry], done: Sequence[Entry]) -> str:
    states = Counter(entry.state for entry in entries)
    leaves = [entry.facts.get("leaves", 0) for entry in done]
    scales = Counter(entry.facts.get("scale_source") for entry in done)
    unscaled = sum(entry.facts.get("mm_per_px") is None for entry in done)
    cells = [
        f"{words.sheets(states[State.DONE])} done",
        f"{states[State.FAILED]:,} failed",
        f"{states[State.SKIPPED]:,} skipped",
        words.leaves(sum(leaves)),
        f"{words.sheets(leaves.count(0))} without a leaf",
        f"{words.sheets(unscaled)} without a scale",
    ]
    boxes = "".join(map(_box, cells))
    told = ", ".join(f"{source}: {n:,}" for source, n in scales.most_common())
    scale = f"<p>Scale from {escape(told)}.</p>" if told else ""
    return f'<div class="counts">{boxes}</div>{scale}'


def _timing(done: Sequence[Entry]) -> str:
    timed = [e.facts["seconds"] for e in done if "seconds" in e.facts]
    if not timed:
        return ""
    rows = []
    for step in STEPS:
        seconds = np.array([each.get(step, 0.0) for each in timed])
        middle, high = np.percentile(seconds, [50, 95])
        rows.append((step, f"{middle:.2f}", f"{high:.2f}", _total(seconds.sum())))
    workers = len({entry.facts.get("worker") for entry in done})
    head = ("step", "median, s", "95 % below, s", "all sheets")
    return (
        "<h2>Time</h2>"
        + _table(head, rows)
        + f"<p>On {workers} worker process{'es' if workers > 1 else ''}. "
        "Segmenting includes waiting for the turn of another sheet on the same worker."
        "</p>"
    )


def _total(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else words.duration(seconds)


def _failures(failed: Sequence[Entry]) -> str:
    if not failed:
        return ""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for entry in failed:
        by_reason[_general(entry)].append(words.printable(entry.source))
    rows = [
        (f"{len(sources):,}", reason, _some(sources))
        for reason, sources in sorted(by_reason.items(), key=lambda item: -len(item[1]))
    ]
    return "<h2>Failed, by reason</h2>" + _table(("sheets", "reason", "which"), rows)


def _general(entry: Entry) -> str:
    """Give the reason without the sheet's own name, so that like come together."""
    file = PurePosixPath(entry.source.replace("\\", "/")).name
    reason = entry.reason.replace(entry.source, "The sheet").replace(file, "The sheet")
    return words.printable(reason)


def _skipped(skipped: Sequence[Entry]) -> str:
    if not skipped:
        return ""
    names = escape(_some([words.printable(entry.source) for entry in skipped]))
    return f"<h2>Skipped</h2><p>{len(skipped):,} that are no sheets: {names}</p>"


def _some(names: Sequence[str]) -> str:
    where = " (see sheets.parquet)" if len(names) > MOST_NAMED else ""
    return words.some(names, MOST_NAMED) + where


def _contact(title: str, pictures: Iterable[Picture], about: str) -> str:
    figures = "".join(_figure(picture) for picture in pictures)
    if not figures:
        return ""
    told = f"<p>{escape(about)}</p>" if about else ""
    return f'<h2>{escape(title)}</h2>{told}<div class="contact">{figures}</div>'


def _figure(picture: Picture) -> str:
    entry = picture.entry
    if entry.state is State.FAILED:
        return _failed_figure(picture)
    leaves = entry.facts.get("leaves", 0)
    told = (
        f"<b>{escape(entry.name)}</b>"
        f"{words.leaves(leaves)}, "
        f"confidence {entry.facts.get('confidence', 0):.2f}"
    )
    if picture.jpeg is None:
        return f"<figure><p>{escape(picture.why_not)}</p><figcaption>{told}</figure>"
    image = f'<img alt="" src="data:image/jpeg;base64,{picture.jpeg}">'
    link = quote(picture.labels)
    return f'<figure><a href="{link}">{image}</a><figcaption>{told}</figure>'


def _failed_figure(picture: Picture) -> str:
    entry = picture.entry
    told = f"<b>{escape(entry.name)}</b>{escape(_general(entry))}"
    if picture.jpeg is None:
        return f'<figure><p class="none">no picture</p><figcaption>{told}</figure>'
    image = f'<img alt="" src="data:image/jpeg;base64,{picture.jpeg}">'
    return f"<figure>{image}<figcaption>{told}</figure>"


def _reviewed(done: Sequence[Entry]) -> str:
    """Say what reviewers said by the time of writing."""
    verdicts = Counter(entry.facts.get("verdict") for entry in done)
    told = ", ".join(f"{n:,} {what}" for what, n in verdicts.most_common() if what)
    return f"<p>Looked at in Batch review: {told}.</p>" if told else ""


def _histograms(plan: Plan, done: Sequence[Entry]) -> str:
    chosen = evenly(sorted(done, key=lambda e: e.name), MOST_PARTS)
    columns = read_columns(plan, [e.name for e in chosen], [name for name, _ in TRAITS])
    charts = [
        histogram(columns[name], title) for name, title in TRAITS if name in columns
    ]
    charts += [
        histogram(
            [e.facts.get("confidence", 0.0) for e in done], "Confidence of sheets"
        ),
        histogram([e.facts.get("leaves", 0) for e in done], "Leaves per sheet"),
    ]
    drawn = "".join(charts)
    told = "" if len(chosen) == len(done) else f" ({words.sheets(len(chosen))})"
    return f'<h2>Traits{told}</h2><div class="charts">{drawn}</div>' if drawn else ""


def _settings(plan: Plan) -> str:
    text = json.dumps(plan.facts(), indent=2, ensure_ascii=False)
    return (
        "<details><summary>Settings, model, software</summary>"
        f"<pre>{escape(text)}</pre></details>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
