"""One layer as a person reads it: settings, shapes, what its units see, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from seethrough.anatomy.figures import amount, dimensions, plain
from seethrough.anatomy.layers import LayerCall, LayerReport, WeightStatistics
from seethrough.graph.receptive import ReceptiveField

_MORE = 8


def as_text(report: LayerReport) -> str:
    """As plain text."""
    lines = [f"{plain(report.path)} · {plain(report.kind)}", ""]
    lines += _columns("Configuration", list(_settings(report.configuration)))
    if report.calls is None:
        lines += ["Shapes and receptive field aren't known: the network isn't written down (say input_size=…).", ""]
    elif not report.calls:
        lines += ["Not called when the network runs.", ""]
    for call in report.calls or ():
        lines += _columns("Call" if len(report.calls or ()) == 1 else f"Call {plain(call.path)}", list(_facts(call)))
    if report.inside:
        rest = f", … {len(report.inside) - _MORE:,} more" if len(report.inside) > _MORE else ""
        lines += [f"Layers inside: {', '.join(map(plain, report.inside[:_MORE]))}{rest}", ""]
    lines += _weights(report.weights)
    return "\n".join(lines).rstrip()


def _settings(configuration: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in configuration.items():
        if isinstance(value, Mapping) and "class_name" in value:
            # how Keras writes an object down: its class and its settings
            settings = value.get("config")
            inner = (
                ", ".join(f"{k}={v!r}" for k, v in settings.items() if v is not None)
                if isinstance(settings, Mapping)
                else ""
            )
            value = f"{value['class_name']}({inner})"
        yield f"{prefix}{name}", plain(value if isinstance(value, str) else repr(value))


def _facts(call: LayerCall) -> Iterator[tuple[str, str]]:
    yield "takes", ", ".join(map(dimensions, call.inputs)) or "nothing of the picture"
    yield "gives", ", ".join(map(dimensions, call.outputs))
    if call.receptive is not None:
        yield "sees", in_words(call.receptive)
    if call.macs:
        yield "MACs", f"{amount(call.macs)} for one picture"
    rest = f", … {len(call.operations) - _MORE} more" if len(call.operations) > _MORE else ""
    yield "operations", ", ".join(call.operations[:_MORE]) + rest or "none: it gives what it takes"


def in_words(found: ReceptiveField) -> str:
    """``132×132 pixels, 16 further from unit to unit, the first from (-58, -58)``."""
    if found.whole:
        return "the whole picture"
    sizes = "×".join("all" if n is None else str(n) for n in found.size)
    apart = "×".join(dict.fromkeys(f"{s:g}" for s in found.stride))
    start = ", ".join(f"{s:g}" for s in found.start)
    return f"{sizes} pixels, {apart} further from unit to unit, the first from ({start})"


def _weights(weights: Sequence[WeightStatistics]) -> list[str]:
    if not weights:
        return ["No weights."]
    head = ("Weights", "Shape", "Type", "Mean", "Std", "Min", "Max", "")
    rows = [
        (
            plain(w.name),
            dimensions(w.shape) if w.shape else "one number",
            w.dtype,
            *(f"{n:.4g}" for n in (w.mean, w.std, w.min, w.max)),
            _remark(w),
        )
        for w in weights
    ]
    widths = [max(map(cell_len, column)) for column in zip(head, *rows)]
    return [
        "  ".join(c.ljust(w) if k in (0, 1, 2, 7) else c.rjust(w) for k, (c, w) in enumerate(zip(r, widths))).rstrip()
        for r in (head, *rows)
    ]


def _remark(w: WeightStatistics) -> str:
    remarks = ["buffer"] if w.buffer else [] if w.trainable else ["not trainable"]
    if w.not_finite:
        remarks.append(f"{w.not_finite:,} NaN or infinite")
    return ", ".join(remarks)


def _columns(title: str, pairs: list[tuple[str, str]]) -> list[str]:
    width = max((cell_len(name) for name, _ in pairs), default=0)
    return [title, *(f"  {plain(name):<{width}}  {value}" for name, value in pairs), ""]
