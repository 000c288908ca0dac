"""So far: a network that can't be written down to its end, recorded up to where it stops.

Detection networks end in steps that look at values (non-maximum suppression, boxes above a score). What comes before is
worth reading all the same: shapes, multiply-accumulates, memory. Such a recording is only read, never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeTensorMode

from seethrough.errors import NetworkRefused
from seethrough.graph.fakes import fake_tensors
from seethrough.graph.lines import line_of
from seethrough.graph.record import Recorder, heard
from seethrough.graph.recording import Recording, Scope
from seethrough.graph.untouched import untouched


def record_so_far(
    module: nn.Module,
    call: Callable[..., Any],
    example: torch.Tensor,
    *,
    batch: int,
    paths: Mapping[int, str],
    training: bool = False,
    earlier: Recording | None = None,
    fake_mode: FakeTensorMode | None = None,
    beside: Sequence[torch.Tensor] = (),
) -> Recording:
    """Run ``call`` on fake tensors and write down what it does until it needs the values of an image, or raises.

    Parameters
    ----------
    module, call, example, batch, paths, training, earlier, fake_mode, beside
        As for `record`.

    Returns
    -------
    Recording
        ``ended`` says where and why it ends: ``"in 'roi_heads' at nms (detection.py:12), which needs the values of an
        image"``. Its outputs are those of the last outermost layer that was completed, by the layer's path.

    Raises
    ------
    NetworkRefused
        Where nothing was written down.
    """
    tensors = (example, *beside)
    with untouched(module, training=training) as effects:
        recorder = Recorder(paths, effects, fake=fake_mode or fake_tensors(), earlier=earlier)
        error: Exception | None = None
        try:
            heard(recorder, call, tensors, batch, grad=False)
        except Exception as raised:  # whatever the network raises where it meets tensors without values
            error = raised
    last, ended = recorder.needed or (len(recorder.calls), _said(error, recorder))
    scopes = [_cut(scope, last) for scope in recorder.scopes if scope.first <= last]
    outputs = _completed(scopes, recorder)
    if not outputs:
        raise NetworkRefused(f"the network ends {ended}" if ended else "nothing in the network depends on the image")
    return Recording(
        batch,
        recorder.calls[:last],
        recorder.tensors,
        recorder.storages,
        recorder.live,
        scopes,
        outputs,
        frozenset(recorder.written),
        len(tensors),
        ended,
    )


def _said(error: Exception | None, recorder: Recorder) -> str:
    """Where an exception came from, and what it says."""
    if error is None:
        return ""
    within = f"in {recorder.fell_in!r} " if recorder.fell_in and error is recorder.raised else ""
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{within}at {line_of(error)}: {first if isinstance(error, NetworkRefused) else f'{type(error).__name__}: {first}'}"


def _cut(scope: Scope, last: int) -> Scope:
    """A scope as it was when so many calls had been made: one that was still open has no outputs."""
    return scope if scope.last <= last and scope.outputs else replace(scope, outputs=[], last=min(scope.last, last))


def _completed(scopes: Sequence[Scope], recorder: Recorder) -> dict[str, int]:
    """What the last completed layer returned that no other completed layer holds."""
    done = [s for s in scopes if s.path and any(v in recorder.live for v in s.outputs if v is not None)]
    outermost = [s for s in done if not any(o is not s and o.first <= s.first and s.last <= o.last for o in done)]
    if not outermost:
        return {}
    returned = [v for v in outermost[-1].outputs if v is not None and v in recorder.live]
    path = outermost[-1].path
    return {path if len(returned) == 1 else f"{path}.{i}": v for i, v in enumerate(returned)}
