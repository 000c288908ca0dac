"""Writes: operations that change a tensor in place are made into operations that give a new one.

Afterwards every value is written once (the graph is in single-assignment form), and autograd does the rest. What a
write changes is found by storage: the tensor itself, the tensor it is a view of, and every other view. A write becomes
an operation on the *base*; views that are used later are derived anew.
"""

from __future__ import annotations

import bisect
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from seethrough.errors import NetworkRefused
from seethrough.graph.operations import Kind, Operation, Place, Ref, kind_of, plain_name
from seethrough.graph.recording import Call, Recording
from seethrough.graph.tree import Spec, flatten, leaves_of, unflatten


@dataclass(frozen=True, slots=True)
class View:
    """One step from a tensor to a view of it: a function, its arguments with `HOLE` for the tensor, which of its
    outputs.
    """

    call: Call
    hole: int
    output: int


HOLE = object()
"""Stands in the arguments for the tensor that is written into, at the view through which it is."""


@dataclass(eq=False, slots=True)
class Overwrite:
    """A writing operation made pure: it writes into a copy of the base, and hands the copy and whatever else it returns
    on.
    """

    function: Callable[..., Any]
    spec: Spec
    views: list[list[tuple[Callable[..., Any], Spec, int]]]
    others: list[int]

    def __call__(self, base: torch.Tensor, flat: list[Any], steps: list[list[list[Any]]]) -> list[torch.Tensor]:
        copy = base.clone()
        holes = iter(zip(self.views, steps))
        filled = []
        for a in flat:
            if a is not HOLE:
                filled.append(a)
                continue
            tensor = copy
            chain, arguments = next(holes)
            for (function, spec, output), given in zip(chain, arguments):
                args, kwargs = unflatten([tensor if g is HOLE else g for g in given], spec)
                tensor = leaves_of(function(*args, **kwargs))[output]
            filled.append(tensor)
        args, kwargs = unflatten(filled, self.spec)
        returned = leaves_of(self.function(*args, **kwargs))
        return [copy, *(returned[i] for i in self.others)]


@dataclass
class Resolve:
    """Which value of the graph a recorded tensor was at a moment of the recording."""

    origins: dict[int, int]
    history: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    positions: list[int] = field(default_factory=list)

    def set(self, recorded: int, moment: int, value: int) -> None:
        self.history.setdefault(recorded, []).append((moment, value))

    def current(self, recorded: int) -> int | None:
        past = self.history.get(recorded)
        return past[-1][1] if past else None

    def at(self, recorded: int, moment: int) -> Place | None:
        """Where it was before the call with this index ran; None for a constant."""
        past = self.history.get(recorded, [])
        k = bisect.bisect_right(past, moment, key=lambda entry: entry[0])
        return Place(past[k - 1][1]) if k else None

    def position(self, moment: int) -> int:
        """How many operations the graph had before this call."""
        return self.positions[moment]


def without_writes(
    calls: list[Call], kept: set[int], live: set[int], recording: Recording
) -> tuple[list[Operation], Resolve]:
    """The kept calls as operations in single-assignment form, and what became of the recorded tensors."""
    return _Rewriter(calls, kept, live, recording).rewrite()


class _Rewriter:
    def __init__(self, calls: list[Call], kept: set[int], live: set[int], recording: Recording) -> None:
        self.calls, self.kept, self.live, self.recording = calls, kept, live, recording
        self.storages = recording.storages
        self.operations: list[Operation] = []
        inputs = range(recording.inputs)
        self.resolve = Resolve({v: v for v in inputs})
        self.next = len(recording.tensors)
        # a tensor's base and the views that lead from it; which tensors share a storage
        self.base: dict[int, tuple[int, tuple[View, ...]]] = {}
        self.family: dict[int, list[int]] = {}
        for v in inputs:
            self.resolve.set(v, 0, v)
            self._join(v, v, ())
        self.last_use = {
            a.value: k for k, c in enumerate(calls) if k in kept for a in c.arguments if isinstance(a, Ref)
        }
        for v in recording.outputs.values():
            self.last_use[v] = len(calls)
        for scope in recording.scopes:
            for v in scope.outputs:
                if v is not None:
                    self.last_use[v] = max(self.last_use.get(v, 0), scope.last)

    def rewrite(self) -> tuple[list[Operation], Resolve]:
        for k, call in enumerate(self.calls):
            self.resolve.positions.append(len(self.operations))
            if k not in self.kept:
                continue
            written = {self.storages[a.value] for a in call.arguments if isinstance(a, Ref)} & call.writes
            if written:
                self._write(k, call)
            else:
                self._plain(k, call)
        self.resolve.positions.append(len(self.operations))
        return self.operations, self.resolve

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _value(self, a: Any) -> Any:
        """An argument as the graph has it: a `Ref` to a present value, or the constant itself."""
        if not isinstance(a, Ref):
            return a
        now = self.resolve.current(a.value)
        if now is not None:
            return Ref(now)
        tensor = self.recording.tensors[a.value]
        return tensor.detach() if isinstance(tensor, torch.Tensor) else tensor

    def _fresh(self, recorded: int, moment: int, *, own: bool = False) -> int:
        number = recorded if own else self.next
        self.next += not own
        self.resolve.origins[number] = recorded
        self.resolve.set(recorded, moment + 1, number)
        return number

    def _join(self, recorded: int, base: int, views: tuple[View, ...]) -> None:
        self.base[recorded] = (base, views)
        storage = self.storages[recorded]
        if storage is not None and recorded not in self.family.setdefault(storage, []):
            self.family[storage].append(recorded)

    def _emit(
        self,
        function: Any,
        name: str,
        kind: Kind,
        arguments: list[Any],
        spec: Spec,
        outputs: list[int | None],
        call: Call,
    ) -> None:
        path = f"{call.path}/{name}" if call.path else name
        self.operations.append(
            Operation(function, name, kind, arguments, spec, tuple(outputs), path, call.line, call.context, call.random)
        )

    def _plain(self, k: int, call: Call) -> None:
        arguments = [self._value(a) for a in call.arguments]
        given = {a.value: i for i, a in enumerate(call.arguments) if isinstance(a, Ref)}
        outputs: list[int | None] = []
        for n, o in enumerate(call.outputs):
            if o is None:
                outputs.append(None)
                continue
            source = next(
                (
                    v
                    for v in given
                    if self.storages[v] is not None and self.storages[v] == self.storages[o] and v in self.base
                ),
                None,
            )
            if o in given:
                # it returned what it was given
                source = None
            elif source is not None:
                base, views = self.base[source]
                self._join(o, base, (*views, View(call, given[source], n)))
            else:
                self._join(o, o, ())
            outputs.append(self._fresh(o, k, own=o not in self.resolve.origins))
        self._emit(
            call.function, plain_name(call.function), kind_of(call.function), arguments, call.spec, outputs, call
        )

    def _write(self, k: int, call: Call) -> None:
        given = [a.value for a in call.arguments if isinstance(a, Ref)]
        targets = [v for v in given if self.storages[v] in call.writes]
        for v in targets:
            if v not in self.base:
                self._join(v, v, ())  # a constant that is written into for the first time
        bases = {self.base[v][0] for v in targets}
        if len(bases) > 1:
            raise NetworkRefused(
                f"{call.name} at {call.line} writes into two tensors at once, which can't be written down"
            )
        base, storage = bases.pop(), self.storages[targets[0]]
        returned = [(n, o) for n, o in enumerate(call.outputs) if o is not None and self.storages[o] != storage]
        twin = _twin(call) if targets == [base] and not returned and given[0] == base else None
        if twin is not None:
            function, arguments, spec = twin
            number = self._fresh(base, k, own=False)
            self._emit(
                function,
                plain_name(call.function),
                kind_of(call.function),
                [self._value(a) if a != Ref(base) else self._before(base, k) for a in arguments],
                spec,
                [number],
                call,
            )
        else:
            number = self._written(k, call, base, storage, returned)
        self._derive(k, call, base, storage)

    def _before(self, recorded: int, k: int) -> Any:
        place = self.resolve.at(recorded, k)
        return Ref(place.value) if place is not None else self.recording.tensors[recorded].detach()

    def _written(self, k: int, call: Call, base: int, storage: int | None, returned: list[tuple[int, int]]) -> int:
        flat: list[Any] = []
        chains: list[list[tuple[Any, Spec, int]]] = []
        steps: list[list[list[Any]]] = []
        for a in call.arguments:
            if isinstance(a, Ref) and self.storages[a.value] == storage and a.value in self.base:
                views = self.base[a.value][1]
                flat.append(HOLE)
                chains.append([(v.call.function, v.call.spec, v.output) for v in views])
                steps.append(
                    [[HOLE if i == v.hole else self._value(x) for i, x in enumerate(v.call.arguments)] for v in views]
                )
            else:
                flat.append(self._value(a))
        before = self._before(base, k)
        function = Overwrite(call.function, call.spec, chains, [n for n, _ in returned])
        arguments, spec = flatten(((before, flat, steps), {}))
        number = self._fresh(base, k)
        outputs: list[int | None] = [number]
        for _, o in returned:
            self._join(o, o, ())
            outputs.append(self._fresh(o, k, own=o not in self.resolve.origins))
        self._emit(function, f"{plain_name(call.function)}", Kind.WRITE, arguments, spec, outputs, call)
        return number

    def _derive(self, k: int, call: Call, base: int, storage: int | None) -> None:
        """The other tensors of the storage that are used later, derived from the base as it is now."""
        for o in call.outputs:
            if o is not None and self.storages[o] == storage and o not in self.base:
                # a new tensor object over what was written: the same view as the first target
                target = next(
                    a.value for a in call.arguments if isinstance(a, Ref) and self.storages[a.value] == storage
                )
                self._join(o, *self.base[target])
        for v in list(self.family.get(storage, [])) if storage is not None else []:
            if v == base or (self.last_use.get(v, -1) <= k):
                continue
            at = self.resolve.current(base)
            assert at is not None
            for step in self.base[v][1]:
                arguments = [Ref(at) if i == step.hole else self._value(x) for i, x in enumerate(step.call.arguments)]
                numbers: list[int | None] = [None] * len(step.call.outputs)
                numbers[step.output] = at = self.next
                self.next += 1
                origin = step.call.outputs[step.output]
                self.resolve.origins[at] = v if origin is None else origin
                self._emit(
                    step.call.function,
                    plain_name(step.call.function),
                    kind_of(step.call.function),
                    arguments,
                    step.call.spec,
                    numbers,
                    step.call,
                )
            self.resolve.set(v, k + 1, at)


def _twin(call: Call) -> tuple[Callable[..., Any], list[Any], Spec] | None:
    """The function that gives what this one writes: ``relu`` for ``relu_``, ``F.relu(…)`` for ``F.relu(…,
    inplace=True)``; None where there is none.
    """
    function, name = call.function, call.name
    if getattr(function, "__module__", "").startswith("torch.nn.functional") and hasattr(F, name):
        args, kwargs = unflatten(call.arguments, call.spec)
        parameters = list(inspect.signature(function).parameters)
        if "inplace" not in parameters:
            return None
        at = parameters.index("inplace")
        if len(args) > at:
            args = (*args[:at], False, *args[at + 1 :])
        else:
            kwargs = {**kwargs, "inplace": False}
        return (function, *flatten((args, kwargs)))
    plain = _OUT_OF_PLACE.get(name)
    return (plain, list(call.arguments), call.spec) if plain is not None else None


_OUT_OF_PLACE: dict[str, Callable[..., Any]] = {
    f"{name}_": getattr(torch.Tensor, name) if hasattr(torch.Tensor, name) else getattr(torch, name)
    for name in (
        "relu sigmoid tanh add sub mul div abs neg exp log sqrt rsqrt square pow clamp clamp_min clamp_max reciprocal relu6 "
        "leaky_relu elu hardtanh selu celu"
    ).split()
    if hasattr(torch.Tensor, name) or hasattr(torch, name)
}
_OUT_OF_PLACE |= {
    f"{name}_": getattr(F, name) for name in "relu6 leaky_relu elu hardtanh selu celu silu hardswish threshold".split()
}
_OUT_OF_PLACE |= {
    "__iadd__": torch.Tensor.add,
    "__isub__": torch.Tensor.sub,
    "__imul__": torch.Tensor.mul,
    "__itruediv__": torch.Tensor.div,
    "__idiv__": torch.Tensor.div,
}
