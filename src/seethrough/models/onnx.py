"""The door to ONNX: a file becomes a torch module of its nodes, and is believed once it gives what onnxruntime gives.

A file of an ONNX network is not a program and runs no code; `onnx_file` reads it without trusting it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import InputRefused, UsageError
from seethrough.images import Preprocessing, preprocessing_named
from seethrough.models.files import fingerprint
from seethrough.models.mapping import ByLayer
from seethrough.models.onnx_batch import free_batch
from seethrough.models.onnx_check import (
    largest_difference,
    onnxruntime_outputs,
    refuse_difference,
    refuse_what_can_not_run,
    run_or_refuse,
)
from seethrough.models.onnx_file import read_onnx
from seethrough.models.onnx_layout import is_channels_last
from seethrough.models.onnx_module import OnnxNetwork, Step
from seethrough.models.onnx_numbers import NUMBERS
from seethrough.models.onnx_operators import OPERATORS
from seethrough.models.onnx_program import Program, one_input_size, program_of
from seethrough.models.opened import Opened, Said
from seethrough.models.preprocessing import for_channels
from seethrough.models.state import not_finite
from seethrough.models.torch import arrays
from seethrough.results import Note

SHOWN = 5
"""How many nodes that can't be opened a message names."""


def open_onnx_file(path: Path, said: Said) -> Opened:
    """Open an ONNX network.

    Its layers are its nodes, called as the modules that it was exported from where the exporter says so:
    ``"layer1.0.conv1"``. Half precision is computed in float32. A network that was written for one batch size takes
    any, where that can be had without changing what it gives.

    Raises
    ------
    InputRefused
        A file that is broken, declares what it doesn't hold, reads outside its folder, or has operators that aren't
        opened (which, in which nodes).
    UsageError
        An input whose size is open and wasn't said; an output that isn't onnxruntime's.
    EnvironmentLacks
        `onnx` isn't installed.
    """
    where = repr(str(path))
    model = read_onnx(path)
    program = program_of(model, where)
    _refuse_unknown_operators(program, where)
    layout = "channels_last" if is_channels_last(program.input.shape) else "channels_first"
    size = one_input_size(program.input, said.size(layout), where)
    preprocessing = None if said.preprocessing is None else preprocessing_named(said.preprocessing)
    network = OnnxNetwork(program).eval()
    notes, record = _checked(network, model, program, size, preprocessing, where)
    steps = network.steps
    return Opened(
        module=network,
        source=str(path),
        framework="onnx",
        layout=layout,
        input_size=size,
        weights=path.name,
        classes=said.named(),
        preprocessing=for_channels(preprocessing, size[-1] if layout == "channels_last" else size[0]),
        paths={id(step): name for name, step in steps.items()},
        layers=steps,
        info=ByLayer(steps, _settings),
        arrays=ByLayer(steps, arrays),
        output=said.output,
        task=said.task,
        notes=(*notes, *not_finite(_weights(steps))),
        provenance={
            "torch": torch.__version__,
            "opset": program.opset,
            "producer": program.producer,
            "file_sha256": fingerprint(path),
            **record,
        },
    )


def _refuse_unknown_operators(program: Program, where: str) -> None:
    known = OPERATORS.keys() | NUMBERS.keys()
    unknown = [node for node in program.nodes if node.operator not in known]
    if unknown:
        kinds = ", ".join(sorted({node.operator for node in unknown}))
        named = ", ".join(repr(node.name or node.path) for node in unknown[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise InputRefused(
            f"{where} has operators that aren't opened: {kinds} (nodes {named}{more}); {len(known)} others "
            "are. Export it without them, or open the network that it was exported from."
        )


def _checked(
    network: OnnxNetwork,
    model: Any,
    program: Program,
    size: tuple[int, ...],
    preprocessing: Preprocessing | None,
    where: str,
) -> tuple[tuple[Note, ...], dict[str, Any]]:
    """Hold a network against onnxruntime, and let it take any batch size; what the person must know of either."""
    images = _noise(program, (4, *size), preprocessing)
    batch = program.input.shape[0] or _batch_that_runs(network, size, where)
    refuse_what_can_not_run(network, (batch, *size), where)
    one, other = images.repeat(-(-batch // 2), *[1] * len(size))[: 2 * batch].split(batch)
    notes: list[Note] = [Note("half_precision", "info", {})] if program.half else []
    with torch.no_grad():
        found = run_or_refuse(network, one, where)
        expected = onnxruntime_outputs(model, program.input.name, _as_input(one, program), where)
        if expected is None:
            notes.append(Note("not_checked", "warning", {}))
            record: dict[str, Any] = {"onnxruntime_difference": None}
        else:
            difference = _difference(found, expected, where)
            refuse_difference(difference, program.half, where)
            record = {"onnxruntime_difference": difference}
        if network.written_for and not free_batch(network, one, other):
            notes.append(Note("one_batch_size", "info", {"batch": network.written_for}))
    return tuple(notes), record


def _batch_that_runs(network: OnnxNetwork, size: tuple[int, ...], where: str) -> int:
    """2, as it should for a network that takes any; 1 where its nodes say otherwise."""
    try:
        refuse_what_can_not_run(network, (2, *size), where)
    except InputRefused:
        network.written_for = 1
        return 1
    return 2


def _difference(found: Any, expected: list[np.ndarray], where: str) -> float:
    try:
        return largest_difference(found, expected)
    except ValueError as error:
        raise UsageError(f"{where}: what Seethrough computes isn't what onnxruntime does: {error}.") from error


def _noise(program: Program, shape: tuple[int, ...], preprocessing: Preprocessing | None) -> Tensor:
    """Images of noise in the range of what the network is given, the same each time."""
    whole = np.dtype(program.input.dtype).kind in "iu"
    low, high = (0.0, 255.0) if whole else (0.0, 1.0) if preprocessing is None else preprocessing.interval
    noise = np.random.default_rng(0).random(shape, np.float32) * (high - low) + low
    return torch.from_numpy(np.floor(noise).astype(np.float32) if whole else noise.astype(np.float32))


def _as_input(images: Tensor, program: Program) -> np.ndarray:
    return images.numpy().astype(program.input.dtype)


def _settings(step: Step) -> dict[str, Any]:
    """A node's operator, its name in the file, and its attributes."""
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in step.node.settings.items()}
    return {"class": step.node.operator, "node": step.node.name, **plain}


def _weights(steps: dict[str, Step]) -> Iterator[tuple[str, Tensor]]:
    for path, step in steps.items():
        yield from ((path, tensor) for tensor in (*step.parameters(recurse=False), *step.buffers(recurse=False)))
