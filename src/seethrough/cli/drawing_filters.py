"""``filters``: the kernels of a network's layers, and what is to be noticed in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seethrough.cli.destinations import result_file
from seethrough.cli.opening import Words, open_to_look
from seethrough.cli.terminal import one_line, say, say_json, show_table

if TYPE_CHECKING:
    from seethrough.anatomy.filters import Filters

KINDS = (".html", ".png", ".svg", ".npz", ".json")
MOST_ROWS = 32
"""Filters listed on the terminal where one layer is asked for."""


def filters(
    words: Words, layer: str | None, *, channels: Sequence[int] | None, out: str | None, language: str, as_json: bool
) -> int:
    """Print what is to be noticed in the filters of some layers, or write the file that ``-o`` names."""
    from seethrough.show.language import known_language

    known_language(language)
    file = None if out is None else result_file(out, KINDS)
    from seethrough.features.filters import filters as look

    found = look(open_to_look(words), layer, channels=channels)
    if file is not None:
        found.save(file, language=language)
    if as_json:
        say_json(found.to_dict())
        return 0
    _tell(found, language, brief=file is not None)
    if file is not None:
        say(f"written to {one_line(file)}")
    return 0


def _tell(found: Filters, language: str, *, brief: bool) -> None:
    from seethrough.show.filter_finding_words import otherwise, sentence
    from seethrough.show.filters_words import form, said
    from seethrough.show.words import note_words

    say(said(found).in_(language))
    for note in found.notes:
        say(note_words(note).in_(language))
    for path, layer in found.items():
        if brief and not layer.findings:
            continue
        say()
        say(f"{one_line(path)}  {form(layer).in_(language)}")
        for finding in layer.findings:
            say(f"  {'!' if finding.level == 'warning' else '·'} {sentence(finding).in_(language)}")
            say(f"    {otherwise(finding).in_(language)}")
    if len(found) == 1 and not brief:
        say()
        _table(found, language)


def _table(found: Filters, language: str) -> None:
    """The measures of one layer's first filters."""
    from seethrough.show.filters_words import MEASURES, PAGE, numbers_of, reads_of

    (layer,) = found.values()
    shown = [int(k) for k in layer.channels[:MOST_ROWS]]
    each = [{key: text.in_(language) for key, _, text in numbers_of(layer, k)} for k in shown]
    keys = [key for key in MEASURES if any(key in row for row in each)]
    deep = layer.kernels.weights.shape[1] > 1 and not layer.kernels.source.picture
    reads = [[reads_of(layer, k).in_(language)] if deep else [] for k in shown]
    head = [MEASURES["number"], *(MEASURES[key] for key in keys)]
    reading = [PAGE["reads"].in_(language)] if deep else []
    rows = [(str(k), *(row.get(key, "") for key in keys), *more) for k, row, more in zip(shown, each, reads)]
    show_table((*(h.in_(language) for h in head), *reading), [("", rows)])
    if len(layer.channels) > len(shown):
        say(
            {
                "en": f"… and {len(layer.channels) - len(shown):,} more",
                "zh": f"……另有 {len(layer.channels) - len(shown):,} 个",
            }[language]
        )
