"""The page of a network's health: the strip from input to output, each finding with its evidence and advice, every layer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from seethrough.anatomy.figures import NONE
from seethrough.condition.compare import MEASURES, measures
from seethrough.condition.findings import Finding
from seethrough.condition.health import Health
from seethrough.condition.layer import LayerHealth
from seethrough.report.blocks import Block, Cell, Drawing, Notes, Paragraph, Section, Table
from seethrough.report.files import Writer, png, svg
from seethrough.report.page import Page
from seethrough.report.records import json_bytes
from seethrough.show import health_words as words
from seethrough.show.health_evidence import caption_of, picture_of, spectrum_of
from seethrough.show.health_figure import draw
from seethrough.show.language import Both, measured, plain, share

RESOLUTION = 130
"""Dots per inch of the figure."""

BUDGET = 6_000_000
"""A page's size in bytes that it keeps to."""

IN_FULL = 24
"""Findings with their advice; of more, those behind are a list."""

SHARES = frozenset(("dead", "always_on", "alike", "rank", "saturated", "frequency"))


def health_page(health: Health, language: str = "en") -> Page:
    """A network's health as a page that stands alone; its figure speaks ``language``."""
    lead: list[Block] = [Paragraph(words.said(health), lead=True)]
    lead += [Paragraph(text) for text in (words.passed(health), words.compared(health)) if text.en]
    if health.notes:
        lead.append(Notes(health.notes))
    lead.append(Drawing(_figure(health, language), words.said(health)))
    sections = [Section("", tuple(lead)), *_comparison(health), *_findings(health)]
    sections += [Section(words.BY_LAYER, (_layers(health),)), *_strides(health)]
    return Page(
        title=words.title(health),
        sections=tuple(sections),
        eyebrow=words.EYEBROW,
        language=language,
        provenance=health.provenance,
    )


def _findings(health: Health) -> Iterator[Section]:
    if not health.findings:
        yield Section(words.FOUND, (Paragraph(words.NOTHING),))
    for k, finding in enumerate(health.findings[:IN_FULL]):
        blocks: list[Block] = [Paragraph(words.sentence(finding))]
        for evidence in health.evidence.get(k, ()):
            caption = caption_of(evidence)
            blocks += [Drawing(_png(picture_of(evidence)), caption), Paragraph(caption)]
        blocks += [Paragraph(text) for text in words.advice(finding)]
        yield Section(_heading(finding), tuple(blocks))
    rest = health.findings[IN_FULL:]
    if rest:
        rows = tuple((_heading(finding), words.sentence(finding)) for finding in rest)
        yield Section(words.FURTHER, (Table((words.WHAT, words.TOLD), rows),))


def _heading(finding: Finding) -> Both:
    level, what = words.LEVELS[finding.level], words.heading(finding)
    return Both(f"{what.en} ({level.en.lower()})", f"{what.zh}（{level.zh}）")


def _layers(health: Health) -> Table:
    shown = [
        name for name in MEASURES if any(np.isfinite(measures(layer)[MEASURES.index(name)]) for layer in health.layers)
    ]
    rows = tuple(
        (plain(layer.path), layer.channels, *(_cell(name, layer) for name in shown)) for layer in health.layers
    )
    head = (words.LAYER, words.UNITS_HEAD, *(words.MEASURES[name] for name in shown))
    return Table(head, rows, caption=words.ORDER_OF_COLUMNS)


def _cell(name: str, layer: LayerHealth) -> Cell:
    return _number(name, measures(layer)[MEASURES.index(name)])


def _number(name: str, number: float) -> Cell:
    if not np.isfinite(number):
        return NONE
    return share(number) if name in SHARES else measured(number)


def _strides(health: Health) -> Iterator[Section]:
    if not health.strides:
        return
    rows = tuple(
        (plain(s.path), _sides(s.step), _sides(s.reach), share(s.whole), share(float(s.share.max())))
        for s in health.strides
    )
    spectra = [spectrum_of(stride) for stride in health.strides]
    drawn = np.concatenate([np.pad(s, ((0, 0), (0, 10), (0, 0)), constant_values=255) for s in spectra], 1)
    yield Section(
        words.STRIDES,
        (Table(words.STRIDE_HEAD, rows), Drawing(_png(drawn), words.SPECTRUM), Paragraph(words.SPECTRUM)),
    )


def _sides(pair: tuple[int, int]) -> str:
    return f"{pair[0]} × {pair[1]}"


def _comparison(health: Health) -> Iterator[Section]:
    beside, other = health.comparison, health.other
    if beside is None or other is None:
        return
    shown = [n for n in MEASURES if any(np.isfinite(m.first[MEASURES.index(n)]) for m in beside.matched)]
    rows = []
    for m in beside.matched:
        cells = [_arrow(n, m.first[MEASURES.index(n)], m.second[MEASURES.index(n)]) for n in shown]
        rows.append((plain(m.layer), *cells))
    yield Section(
        words.COMPARED.fill(other=words.name_of(other)),
        (Table((words.LAYER, *(words.MEASURES[n] for n in shown)), tuple(rows)),),
    )
    for heading, found in ((words.GONE, beside.gone), (words.NEW, beside.new)):
        if found:
            listed = tuple((_heading(f), words.sentence(f)) for f in found)
            yield Section(heading.fill(other=words.name_of(other)), (Table((words.WHAT, words.TOLD), listed),))


def _arrow(name: str, first: float, second: float) -> Cell:
    before, after = _number(name, first), _number(name, second)
    if before == after or not np.isfinite(second):
        return before
    return words.ARROW.fill(first=before, second=after)


def _figure(health: Health, language: str) -> bytes:
    out = io.BytesIO()
    draw(health, language=language, told=False).savefig(out, format="png", dpi=RESOLUTION)
    return out.getvalue()


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", optimize=True)
    return out.getvalue()


def as_npz(health: Health) -> bytes:
    """Every array: ``LAYER/MEASURE`` a number a unit, ``LAYER/variances`` along the principal components, ``LAYER/alike`` pairs
    with their correlation and cosine; ``strides/LAYER/share`` and ``…/spectrum``; ``about``, the record of ``.json`` as text.
    """
    arrays: dict[str, np.ndarray] = {"about": np.array(json_bytes(health.to_dict()).decode("utf-8"))}
    for layer in health.layers:
        arrays |= {f"{layer.path}/{name}": array for name, array in layer.arrays()}
        if layer.rank is not None:
            arrays[f"{layer.path}/variances"] = layer.rank.variances
        arrays[f"{layer.path}/alike"] = np.array(
            [(p.first, p.second, p.correlation, p.cosine) for p in layer.pairs], np.float64
        ).reshape(-1, 4)
    for stride in health.strides:
        arrays |= {f"strides/{stride.path}/share": stride.share, f"strides/{stride.path}/spectrum": stride.spectrum}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


WRITERS: Mapping[str, Writer] = {
    ".html": lambda health, language: health_page(health, language).html(budget=BUDGET).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".npz": lambda health, language: as_npz(health),
    ".json": lambda health, language: json_bytes(health.to_dict()),
}
"""How a `Health` is written."""
