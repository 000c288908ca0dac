"""From the words of a command to an opened network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seethrough.cli import options as o
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError

if TYPE_CHECKING:
    from seethrough.network import Network

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Words:
    """What a person said about the network and how it is to compute; as typed, None where nothing was.

    A field is an option with its help; which of them a verb has, its signature says.
    """

    model: o.Model
    seed: o.Seed = None
    weights: o.Weights = None
    architecture: o.Architecture = None
    input_size: o.InputSize = None
    classes: o.Classes = None
    preprocessing: o.Preprocessing = None
    device: o.Device = None
    memory_limit: o.MemoryLimit = None
    precision: o.Precision = "float32"
    output: o.OutputName = None
    task: o.Task = None
    allow_code: o.AllowCode = False


def as_typed(words: Words) -> list[str]:
    """What was said of the network beside its name, for a command that goes on.

    >>> as_typed(Words("w.pt", architecture="mine:Net", input_size="32", allow_code=True))
    ['--architecture', 'mine:Net', '--input-size', '32', '--allow-code']
    """
    said: list[str] = []
    for name in ("weights", "architecture", "input_size", "classes", "preprocessing", "device", "output", "task"):
        value = getattr(words, name)
        said += [] if value is None else [f"--{name.replace('_', '-')}", value]
    return said + (["--allow-code"] if words.allow_code else [])


def open_to_look(words: Words) -> Network:
    """A network whose build is looked at: by name, it has random weights unless others are asked for, and nothing is
    downloaded.
    """
    return _open(words, words.weights)


def open_to_ask(words: Words) -> Network:
    """A network whose answers count: by name, it has ImageNet's weights unless others are asked for.

    Raises
    ------
    InputRefused
        Where its weights are no numbers: nothing that it answers would mean anything.
    """
    from seethrough.models.open import BY_NAME

    scheme, colon, _ = words.model.partition(":")
    by_name = bool(colon) and scheme in BY_NAME
    net = _open(words, words.weights or ("imagenet" if by_name else None))
    for note in net.opened.notes:
        if note.name == "weights_not_finite":
            raise InputRefused(
                f"{words.model} has NaN or infinite weights in {note.numbers['layers']} layers, the first of them "
                f"{note.numbers['layer']!r}, so its answers mean nothing; train it again, or give another file."
            )
    return net


def _open(words: Words, weights: str | None) -> Network:
    size = o.input_size(words.input_size)
    seed = _checked(words.seed)
    import torch

    from seethrough.network import open as open_network

    device = _device(words.device)
    if device is not None:
        # Keras settles where its variables live when it is imported.
        os.environ["KERAS_TORCH_DEVICE"] = str(device)
    if seed is not None:
        torch.manual_seed(seed)  # random weights are drawn from it
    net = open_network(
        words.model,
        weights=None if weights == "none" else weights,
        architecture=words.architecture,
        input_size=size,
        classes=words.classes,
        preprocessing=words.preprocessing,
        output=words.output,
        task=words.task,
        allow_code=words.allow_code,
    )
    if device is not None:
        net.module.to(device)
    return net


def _checked(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed is a whole number from 0 to {LARGEST_SEED}, not {seed}.")
    return seed


def _device(said: str | None):
    """A torch device that is really there."""
    import torch

    if said is None:
        return None
    try:
        device = torch.device(said)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: torch was built without CUDA
        known = said.partition(":")[0] in ("cpu", "cuda", "mps", "xpu")
        refused = EnvironmentLacks if known else UsageError
        raise refused(f"There is no device {said!r} here; leave --device out to compute on the CPU.") from error
    if device.type == "meta":
        raise UsageError("On the device 'meta' nothing is computed; name another.")
    return device
