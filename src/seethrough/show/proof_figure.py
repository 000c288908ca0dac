"""The figure of a proof: how often both networks are right, and the effect of each finding before and after."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seethrough.findings.judge import POINTS
from seethrough.findings.statistics import Interval
from seethrough.remedies.proof import Proof
from seethrough.show import proof_words as words
from seethrough.show.language import Both, percent
from seethrough.show.lettering import wrap
from seethrough.show.paper import LETTERS_PER_INCH, LINE, QUIET, Paper, spoken
from seethrough.show.vocabulary.proof import PAGE, STATES

WIDTH, MARGIN, NAMES, ROW = 11.0, 0.45, 4.3, 0.4  # inches
LINE_HEIGHT = 0.17
MOST = 14
BEFORE, AFTER = "#8b8b90", "#2f63a6"

SHARES = Both("Share of right answers; bars: 95 % interval.", "答对的比例；横线：95% 区间。")
EFFECTS = Both(
    "Effect in percentage points beyond the control; grey: too small to count as proven.",
    "作用（超出对照的百分点）；灰色区域：太小，不算证实。",
)

said = words.said
"""The sentence for those who can't see the figure."""


def draw(proof: Proof, *, language: str = "en") -> Figure:
    """Draw a proof.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``; English, and said so, where no installed font has Chinese characters.
    """
    language, remark = spoken(language)
    lines = [
        line
        for text in (words.said(proof).in_(language), words.sure(proof).in_(language), remark)
        for line in wrap(text, (WIDTH - 2 * MARGIN) * LETTERS_PER_INCH)
    ]
    shown = [each for each in proof.followed if each.fault or each in proof.risen][:MOST]
    top = 1.15 + LINE_HEIGHT * len(lines)
    second = top + ROW * len(proof.figures) + 0.95
    paper = Paper(WIDTH, (second + ROW * len(shown) + 0.6 if shown else second - 0.3) + MARGIN)
    paper.write(MARGIN, 0.35, words.title(proof).in_(language), size=15, weight="bold")
    for k, line in enumerate(lines):
        paper.write(MARGIN, 0.78 + LINE_HEIGHT * k, line)
    for k, (colour, name) in enumerate(((BEFORE, PAGE["before"]), (AFTER, PAGE["after"]))):
        paper.write(MARGIN + NAMES + 1.2 * k, top - 0.24, "● " + name.in_(language), colour=colour)
    axes = _axes(paper, top, len(proof.figures))
    axes.set_xlim(0, 1.02)
    axes.set_xticks(np.linspace(0, 1, 6), [percent(tick, language) for tick in np.linspace(0, 1, 6)])
    for k, figure in enumerate(proof.figures):
        _dots(axes, k, figure.before, figure.after)
        paper.write(MARGIN, top + (k + 0.5) * ROW - 0.07, words.figure_name(proof, figure).in_(language), weight="bold")
    _remark(paper, SHARES, top + ROW * len(proof.figures), language)
    if shown:
        axes = _axes(paper, second, len(shown))
        ends = [e for f in shown for i in (f.before.effect, f.after.effect) for e in (i.low, i.high) if np.isfinite(e)]
        axes.set_xlim(min([-2.0, *ends]) - 1, max([10.0, *ends]) + 2)
        axes.axvspan(axes.get_xlim()[0], POINTS, color="#f0f0f2", zorder=0)
        for k, each in enumerate(shown):
            _dots(axes, k, each.before.effect, each.after.effect)
            name = f"{words.heading(proof, each).in_(language)} [{STATES[each.state].in_(language)}]"
            paper.write(MARGIN, second + (k + 0.5) * ROW - 0.07, name[:64])
        _remark(paper, EFFECTS, second + ROW * len(shown), language)
    return paper.figure


def _axes(paper: Paper, top: float, rows: int) -> Axes:
    axes = paper.axes(MARGIN + NAMES, top, WIDTH - NAMES - 2 * MARGIN, rows * ROW)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(axis="x", labelsize=7, colors=QUIET)
    return axes


def _dots(axes: Axes, row: int, before: Interval, after: Interval) -> None:
    """Both values with their intervals, one a little above the other."""
    for interval, colour, off in ((before, BEFORE, -0.16), (after, AFTER, 0.16)):
        if np.isfinite([interval.low, interval.high]).all():
            axes.plot([interval.low, interval.high], [row + off] * 2, color=colour, linewidth=3, alpha=0.5)
        if np.isfinite(interval.value):
            axes.plot([interval.value], [row + off], "o", color=colour, markersize=6)


def _remark(paper: Paper, text: Both, top: float, language: str) -> None:
    paper.write(MARGIN + NAMES, top + 0.28, text.in_(language), size=7, colour=QUIET)
