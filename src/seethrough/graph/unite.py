"""Unite: one graph from two recordings of the same forward at different batch sizes.

A whole number that differs between batch 2 and batch 3 is ``a · B + b``. What reads such a number, the image or chance is
an operation of the graph; everything else was computed while recording and is a constant. Whether the rule holds at
another batch size is not believed but proved, before that size is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from seethrough.errors import NetworkRefused
from seethrough.graph.graph import Graph, Layer, Value
from seethrough.graph.operations import Place, Ref, Size
from seethrough.graph.recording import Call, Recording
from seethrough.graph.writes import without_writes


def unite(
    recordings: Sequence[Recording],
    *,
    layout: str = "channels_first",
    source: str = "fake",
    inputs: Sequence[str] = ("",),
) -> Graph:
    """Make a graph of recordings.

    Parameters
    ----------
    recordings
        Two at different batch sizes; or a single one, for a graph that holds at its batch size alone.
    inputs
        The names of the network's inputs, the explained one first.

    Raises
    ------
    NetworkRefused
        Where the network goes another way, or uses a number that is no ``a · B + b``.
    """
    first, second = recordings[0], recordings[1] if len(recordings) > 1 else None
    calls, sized = list(first.calls), set()
    if second is not None:
        calls, sized = _with_sizes(first, second)
        _same_constants(first, second, sized)
    kept, live = _alive(calls, sized, first)
    operations, resolve = without_writes(calls, kept, live, first)
    shapes = {i: _shape(first, second, i) for i in range(len(first.tensors))}
    values = {number: Value(shapes[origin], first.tensors[origin].dtype) for number, origin in resolve.origins.items()}
    outputs = {name: place for name, v in first.outputs.items() if (place := resolve.at(v, len(calls))) is not None}
    if not outputs:
        raise NetworkRefused("the network's output doesn't depend on the image")
    layers = {}
    for scope in first.scopes:
        layers[scope.path] = Layer(
            scope.path,
            type(scope.module).__name__,
            tuple(None if v is None else resolve.at(v, scope.first) for v in scope.inputs),
            tuple(None if v is None else resolve.at(v, scope.last) for v in scope.outputs),
            (resolve.position(scope.first), resolve.position(scope.last)),
            id(scope.module),
            tuple(shapes[v] for v in scope.outputs if v is not None),
        )
    layers = {path: layer for path, layer in layers.items() if path}
    return Graph(
        operations,
        values,
        {name: Place(number) for number, name in enumerate(inputs)},
        outputs,
        layers,
        layout,
        batch=first.batch if second is None else None,
        source=source,
        ended=first.ended,
    )


def _with_sizes(first: Recording, second: Recording) -> tuple[list[Call], set[int]]:
    """The first recording's calls with `Size` where a number differs from the second's; and which calls have one."""
    _same_path(first, second)
    calls, sized = [], set()
    span = second.batch - first.batch
    for k, (p, q) in enumerate(zip(first.calls, second.calls)):
        arguments = list(p.arguments)
        for i, (u, v) in enumerate(zip(p.arguments, q.arguments)):
            if type(u) in (int, float) and type(v) is type(u) and u != v:
                slope = (v - u) / span if isinstance(u, float) else (v - u) // span
                arguments[i] = Size(slope, u - slope * first.batch)
                sized.add(k)
            elif _differ(u, v):
                raise NetworkRefused(
                    f"{p.name} at {p.line} is given {u!r} at batch {first.batch} and {v!r} at batch {second.batch}"
                )
        calls.append(replace(p, arguments=arguments) if k in sized else p)
    return calls, sized


def _differ(u: Any, v: Any) -> bool:
    if isinstance(u, Ref) or isinstance(v, Ref):
        return u != v
    return isinstance(u, (bool, int, float, str)) and (type(u) is not type(v) or (u != v and u == u))


def _same_path(first: Recording, other: Recording) -> None:
    for p, q in zip(first.calls, other.calls):
        if p.name != q.name or len(p.arguments) != len(q.arguments) or p.outputs != q.outputs:
            raise NetworkRefused(
                f"the network goes another way at batch {other.batch}: {q.name} at {q.line} instead of {p.name} at {p.line}"
            )
    if len(first.calls) != len(other.calls):
        raise NetworkRefused(
            f"the network goes another way at batch {other.batch}: {len(other.calls)} operations instead of {len(first.calls)} at batch {first.batch}"
        )


def _same_constants(first: Recording, second: Recording, sized: set[int]) -> None:
    """Constants that reach the image's operations must not depend on the batch size, unless torch made them from it
    (then they are operations).
    """
    fresh: set[int] = set()
    for k, (p, q) in enumerate(zip(first.calls, second.calls)):
        if k in sized or p.random or any(isinstance(a, Ref) and a.value in fresh for a in p.arguments):
            fresh.update(o for o in p.outputs if o is not None)
            continue
        for u in q.arguments:
            if (
                isinstance(u, Ref)
                and u.value not in first.live
                and u.value not in fresh
                and not _equal(first.tensors[u.value], second.tensors[u.value])
            ):
                raise NetworkRefused(
                    f"{p.name} at {p.line} uses a constant that depends on the batch size and was not made by torch"
                )


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a is b or (
        a.shape == b.shape
        and a.layout is torch.strided is b.layout
        and a.data_ptr() == b.data_ptr()
        and a.stride() == b.stride()
    ):
        return True
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and bool(torch.equal(a, b) or torch.equal(a.nan_to_num(), b.nan_to_num()))
    )


def _alive(calls: list[Call], sized: set[int], recording: Recording) -> tuple[set[int], set[int]]:
    """Which calls must run each time, and which values they give.

    A constant into which something alive is written comes alive with the call that made it.
    """
    maker: dict[int, int] = {}
    for k, c in enumerate(calls):
        taken = {recording.storages[a.value] for a in c.arguments if isinstance(a, Ref)}
        for o in c.outputs:
            if o is not None and recording.storages[o] is not None and recording.storages[o] not in taken:
                maker.setdefault(recording.storages[o], k)  # type: ignore[arg-type]
    revived: set[int] = set()
    while True:
        live, kept, written = set(range(recording.inputs)), set(), set()
        for k, c in enumerate(calls):
            refs = [a.value for a in c.arguments if isinstance(a, Ref)]
            if (
                c.random
                or k in sized
                or k in revived
                or any(v in live or recording.storages[v] in written for v in refs)
            ):
                kept.add(k)
                live.update(o for o in c.outputs if o is not None)
                written |= c.writes
        again = {maker[s] for s in written if s in maker} - kept
        if not again:
            return kept, live
        revived |= again


def _shape(first: Recording, second: Recording | None, number: int) -> tuple[int | Size, ...]:
    here = first.tensors[number].shape
    there = second.tensors[number].shape if second is not None else here
    if len(here) != len(there):
        return tuple(here)
    span = second.batch - first.batch if second is not None else 1
    return tuple(
        int(u) if u == v else Size((v - u) // span, u - (v - u) // span * first.batch) for u, v in zip(here, there)
    )
