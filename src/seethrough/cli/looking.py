"""``summary`` and ``layers``: what a network is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seethrough.cli.opening import Words, open_to_look
from seethrough.cli.terminal import one_line, say, say_json, show, show_table
from seethrough.errors import NetworkRefused, UsageError
from seethrough.report import refuse_unknown_kind
from seethrough.show.language import known_language
from seethrough.writing import refuse_unwritable

if TYPE_CHECKING:
    from seethrough.graph.graph import Graph
    from seethrough.network import Network


SUMMARY_KINDS = (".html", ".json")


def summary(
    words: Words, *, depth: int | None, pattern: str | None, out: str | None, language: str, as_json: bool
) -> None:
    """Print a network's layers as a tree, or write the page that ``-o`` names."""
    known_language(language)
    if out is not None:
        refuse_unknown_kind(Path(out), SUMMARY_KINDS)
        refuse_unwritable(Path(out))
    told = open_to_look(words).summary(depth=depth, pattern=pattern)
    if out is not None:
        told.save(out, language=language)
    if as_json:
        say_json(told.to_dict())
    elif out is not None:
        say(f"summary written to {one_line(out)}")
    else:
        show(told)


def layers(words: Words, *, pattern: str | None, weights_to: str | None, as_json: bool) -> None:
    """Print the names of a network's layers, or all about those that a pattern names; write their weights."""
    if weights_to is not None and pattern is None:
        raise UsageError("--weights writes the weights of a layer; name the layer, or '*' for all of them.")
    net = open_to_look(words)
    if pattern is None:
        _names(net, as_json=as_json)
    else:
        _details(net, pattern, as_json=as_json)
    if weights_to is not None:
        _write(net, str(pattern), weights_to, quiet=as_json)


def _names(net: Network, *, as_json: bool) -> None:
    rows = [(path, type(layer).__name__) for path, layer in net.layers.items()]
    if as_json:
        say_json({"source": net.opened.source, "layers": [{"path": path, "class": kind} for path, kind in rows]})
    else:
        show_table(("layer", "class"), [("", rows)])


def _details(net: Network, pattern: str, *, as_json: bool) -> None:
    from seethrough.anatomy.layers import describe_layer, find_layers

    graph = _graph(net)
    reports = [describe_layer(net.opened, graph, path) for path in find_layers(net.layers, pattern)]
    if as_json:
        say_json({"source": net.opened.source, "layers": [report.to_dict() for report in reports]})
        return
    for i, report in enumerate(reports):
        if i:
            say()
        show(report)


def _graph(net: Network) -> Graph | None:
    """The network written down, where that can be had; a layer's report says when shapes are missing."""
    try:
        return net.graph(so_far=True)
    except (NetworkRefused, UsageError):
        return None


def _write(net: Network, pattern: str, file: str, *, quiet: bool) -> None:
    from seethrough.anatomy.layers import save_weights

    path = save_weights(net.opened, pattern, file)
    if not quiet:
        kept = " (random ones: no weights were loaded)" if net.opened.weights == "random" else ""
        say(f"weights written to {one_line(path)}{kept}")
