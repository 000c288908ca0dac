"""The page of a summary: the whole network as one tree that is searched, folded and scrolled, however large.

Rows travel as columns, packed; the browser keeps only those in the document that are in sight. What repeats is folded as
on the terminal; in here a fold can be opened, and holds every layer that it stands for.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seethrough.anatomy.figures import plain, size_in_words
from seethrough.anatomy.folding import repeats
from seethrough.anatomy.rows import Row
from seethrough.anatomy.summary import Summary
from seethrough.anatomy.table import as_text, fold_name, height_of, output_of, sees
from seethrough.report.files import Writer
from seethrough.report.frame import framed
from seethrough.report.records import json_bytes
from seethrough.show.interface import TREE
from seethrough.show.language import Text, both, count
from seethrough.show.words import note_words

SCRIPT, STYLES = "tree.js", ("page.css", "tree.css")


def tree_page(summary: Summary, language: str = "en") -> str:
    """A summary as a page that stands alone: its tree, its totals, and what goes past other layers.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    return framed(
        "tree.html",
        title=plain(summary.source),
        eyebrow=TREE["eyebrow"],
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload=_payload(summary),
        facts=[(both(name), both(value), both(more)) for name, value, more in _facts(summary)],
        notes=[(note.level, note_words(note)) for note in summary.notes if note.name != "random_weights"],
        missing=[plain(sentence) for sentence in summary.missing],
        still=as_text(summary),
        tree=TREE,
    )


def _facts(summary: Summary) -> Iterator[tuple[Text, Text, Text]]:
    """What is true of the whole network: a name, a number, and what more there is to say."""
    yield TREE["class"], plain(summary.kind), plain(summary.framework)
    if summary.weights != "live":
        yield TREE["weights"], TREE["random"] if summary.weights == "random" else plain(summary.weights), ""
    yield TREE["parameters"], count(summary.parameters), size_in_words(summary.bytes)
    if summary.frozen:
        yield TREE["frozen"], count(summary.frozen), ""
    if summary.macs is not None:
        yield TREE["macs"], count(summary.macs), TREE["for_one"]
    if summary.input_size is not None:
        yield TREE["input"], " × ".join(map(str, summary.input_size)), summary.layout.replace("_", " ")
    for name, shape in list(summary.outputs.items())[:3]:
        yield TREE["output"], " × ".join(map(str, shape)), plain(name)


def _payload(summary: Summary) -> dict[str, Any]:
    nodes = Nodes()
    nodes.add(summary.rows)
    return {
        "rows": _packed(nodes.columns | {"tables": nodes.tables}),
        "connections": _packed(nodes.edges(summary)),
        "words": {key: {"en": text.en, "zh": text.zh} for key, text in TREE.items()},
        "total": {
            "parameters": summary.parameters,
            "macs": summary.macs,
            "activations": sum(row.activations or 0 for row in summary.rows),
        },
    }


def _packed(thing: Any) -> str:
    """JSON as base64 of zlib: ten thousand rows say much twice."""
    text = json.dumps(thing, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 6)).decode("ascii")


@dataclass
class Nodes:
    """The tree as columns, a node and all below it before the next: what the browser reads.

    Texts that many rows share stand once in ``tables`` and are meant by number.
    """

    columns: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in (*_PLAIN, *_SHARED, "end", "times")}
    )
    tables: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _SHARED})
    _numbers: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in _SHARED})
    _at: dict[str, int] = field(default_factory=dict)
    """From a layer's path to its node."""

    def add(self, rows: Sequence[Row], depth: int = 0) -> None:
        """Some rows and all below, what repeats under a node of its own."""
        labels = [hash(row.likeness) for row in rows]
        for repeat in repeats(labels, [height_of(row) for row in rows], [row.name for row in rows]):
            block = rows[repeat.start : repeat.stop]
            if repeat.times == 1:
                self._row(block[0], depth)
                continue
            name = fold_name(block, repeat)
            here = self._node(_sum(name, block), depth, times=repeat.times)
            for row in block:
                self._row(row, depth + 1)
            self.columns["end"][here] = len(self)

    def _row(self, row: Row, depth: int) -> None:
        here = self._node(row, depth)
        self._at.setdefault(row.path, here)
        self.add(row.children, depth + 1)
        self.columns["end"][here] = len(self)

    def _node(self, row: Row, depth: int, times: int = 0) -> int:
        plainly = (
            plain(row.name), depth, row.count.parameters, row.count.trainable, row.shared, row.macs or 0,
            row.activations or 0, row.calls or 0,
        )  # fmt: skip
        shared = (
            plain(row.kind), output_of(row), sees(row.receptive), plain(row.shared_with or ""), row.state,
            "\n".join(f"{name}\t{plain(value)}" for name, value in row.settings if name != "class"),
            plain(row.path.removesuffix(row.name)),
        )  # fmt: skip
        for name, value in zip(_PLAIN, plainly):
            self.columns[name].append(value)
        for name, text in zip(_SHARED, shared):
            self.columns[name].append(self._number(name, text))
        self.columns["end"].append(0)
        self.columns["times"].append(times)
        return len(self) - 1

    def _number(self, table: str, text: str) -> int:
        numbers = self._numbers[table]
        if text not in numbers:
            numbers[text] = len(numbers)
            self.tables[table].append(text)
        return numbers[text]

    def edges(self, summary: Summary) -> list[tuple[int, int, str]]:
        """Connections by node; −1 is the picture."""
        return [
            (self._at.get(c.source, -1), self._at[c.target], c.how)
            for c in summary.connections
            if c.target in self._at and (c.source in self._at or not c.source)
        ]

    def __len__(self) -> int:
        return len(self.columns["depth"])


_PLAIN = ("name", "depth", "parameters", "trainable", "shared", "macs", "activations", "calls")
_SHARED = ("kind", "output", "sees", "sharedWith", "state", "settings", "above")


def _sum(name: str, rows: Sequence[Row]) -> Row:
    """One row for layers that are alike."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    first, last = rows[0], rows[-1]
    return Row(
        path=name,
        name=name,
        kind=", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else ""),
        count=sum((row.count for row in rows[1:]), first.count),
        shared=sum(row.shared for row in rows),
        outputs=last.outputs,
        macs=sum(row.macs or 0 for row in rows),
        receptive=last.receptive,
        activations=sum(row.activations or 0 for row in rows),
    )


WRITERS: Mapping[str, Writer] = {
    ".html": lambda summary, language: tree_page(summary, language).encode("utf-8"),
    ".json": lambda summary, language: json_bytes(summary.to_dict()),
}
"""How a `Summary` is written."""
