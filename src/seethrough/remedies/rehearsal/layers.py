"""Layers: what an advice puts in a layer's place, in PyTorch and in Keras."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn.functional import conv2d, pad

from seethrough.errors import NetworkRefused

BINOMIAL = (0.25, 0.5, 0.25)
"""The low-pass filter of BlurPool along each axis (Zhang, "Making convolutional networks shift-invariant again", 2019)."""


class Blurred(nn.Module):
    """A layer at stride 1, and a fixed low-pass filter that strides in its place: as many places as before."""

    def __init__(self, layer: nn.Module, step: Sequence[int]) -> None:
        super().__init__()
        self.layer, self.step = layer, tuple(step)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        row = y.new_tensor(BINOMIAL)
        kernel = torch.outer(row, row).expand(y.shape[1], 1, 3, 3)
        return conv2d(pad(y, (1, 1, 1, 1), mode="replicate"), kernel, stride=self.step, groups=y.shape[1])


def keras_blurred(layer: Any, step: Sequence[int]) -> Any:
    """`Blurred` as a Keras layer (N, H, W, C)."""
    import keras

    class KerasBlurred(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name=f"{layer.name}_blurred")
            self.inner = layer

        def call(self, x: Any) -> Any:
            y = self.inner(x)
            row = torch.tensor(BINOMIAL)
            channels = y.shape[-1]
            kernel = keras.ops.broadcast_to(
                keras.ops.convert_to_tensor(torch.outer(row, row)[:, :, None, None]), (3, 3, channels, 1)
            )
            around = keras.ops.pad(
                y, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric"
            )  # beside an edge: the edge again
            return keras.ops.depthwise_conv(around, kernel, strides=tuple(step), padding="valid")  # pyright: ignore[reportArgumentType]  # its annotation knows one number alone

    return KerasBlurred()


def keras_sequence(layers: Sequence[Any], name: str) -> Any:
    """Keras layers one behind the other, as one."""
    import keras

    class KerasSequence(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name=name)
            self.inner = list(layers)

        def call(self, x: Any, training: bool | None = None) -> Any:
            for layer in self.inner:
                x = layer(x, training=training) if isinstance(layer, keras.layers.BatchNormalization) else layer(x)
            return x

    return KerasSequence()


def is_keras(layer: Any) -> bool:
    """Whether it is a Keras layer, which on this backend is a torch module too."""
    return hasattr(layer, "get_config")


def again(layer: Any, **settings: Any) -> Any:
    """The same layer, not called yet, with other settings; in PyTorch a copy with other attributes, whose weights stay."""
    if is_keras(layer):
        return type(layer).from_config({**layer.get_config(), **settings})
    found = copy.deepcopy(layer)
    for name, value in settings.items():
        setattr(found, name, value)
    return found


def step_of(layer: Any) -> tuple[int, int]:
    """A convolution's or pool's stride, (down, across).

    Raises
    ------
    NetworkRefused
        It has none.
    """
    said = getattr(layer, "strides", None) if is_keras(layer) else getattr(layer, "stride", None)
    if isinstance(said, int):
        return said, said
    if isinstance(said, Sequence) and len(said) == 2:
        return int(said[0]), int(said[1])
    raise NetworkRefused(f"{type(layer).__name__} has no stride that could be changed.")


def at_stride_1(layer: Any) -> Any:
    """The same layer at every place."""
    return again(layer, strides=1) if is_keras(layer) else again(layer, stride=(1, 1))


def normalised(layer: Any, *, before: bool) -> Any:
    """A layer with batch normalisation before or behind it."""
    if is_keras(layer):
        import keras

        norm = keras.layers.BatchNormalization(name=f"{layer.name}_normalised")
        return keras_sequence((norm, layer) if before else (layer, norm), f"{layer.name}_and_norm")
    channels = _channels(layer, incoming=before)
    norm = (nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d)(channels)
    return nn.Sequential(norm, layer) if before else nn.Sequential(layer, norm)


def _channels(layer: Any, *, incoming: bool) -> int:
    for name in ("in_channels", "in_features") if incoming else ("out_channels", "out_features"):
        if hasattr(layer, name):
            return int(getattr(layer, name))
    raise NetworkRefused(f"{type(layer).__name__} doesn't say how many channels it has.")


def factorised(layer: Any, directions: int) -> Any:
    """A convolution or linear layer as a thin one and one that spreads it: low rank in its place."""
    if is_keras(layer):
        return _keras_factorised(layer, directions)
    if isinstance(layer, nn.Linear):
        thin = nn.Linear(layer.in_features, directions, bias=False)
        return nn.Sequential(thin, nn.Linear(directions, layer.out_features, bias=layer.bias is not None))
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        thin = nn.Conv2d(
            layer.in_channels, directions, layer.kernel_size, layer.stride, layer.padding, layer.dilation, bias=False,  # type: ignore[arg-type]
            padding_mode=layer.padding_mode,
        )  # fmt: skip
        return nn.Sequential(thin, nn.Conv2d(directions, layer.out_channels, 1, bias=layer.bias is not None))
    raise NetworkRefused(f"{type(layer).__name__} can't be split into two thin layers here.")


def _keras_factorised(layer: Any, directions: int) -> Any:
    import keras

    config = layer.get_config()
    if isinstance(layer, keras.layers.Dense):
        thin = keras.layers.Dense(directions, use_bias=False, name=f"{layer.name}_thin")
        wide = type(layer).from_config({**config, "name": f"{layer.name}_wide"})
    elif isinstance(layer, keras.layers.Conv2D) and config.get("groups", 1) == 1:
        thin = type(layer).from_config(
            {**config, "filters": directions, "use_bias": False, "activation": "linear", "name": f"{layer.name}_thin"}
        )
        wide = keras.layers.Conv2D(
            config["filters"], 1, activation=layer.activation, use_bias=layer.use_bias, name=f"{layer.name}_wide"
        )
    else:
        raise NetworkRefused(f"{type(layer).__name__} can't be split into two thin layers here.")
    return keras_sequence((thin, wide), f"{layer.name}_factorised")


def smaller(layer: Any) -> Any:
    """A convolution of half the stride and about two thirds of the kernel, as Zeiler & Fergus made 11 × 11 at stride 4 into 7 × 7
    at stride 2.

    Raises
    ------
    NetworkRefused
        It is no convolution of one group, or its stride is 1.
    """
    step = step_of(layer)
    if max(step) < 2:
        raise NetworkRefused(f"{type(layer).__name__} has a stride of 1 already.")
    half = tuple(max(1, s // 2) for s in step)
    if is_keras(layer) and "filters" in layer.get_config():
        kernel = tuple(_smaller(k) for k in layer.kernel_size)
        return again(layer, strides=half, kernel_size=kernel)
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        kernel = tuple(_smaller(k) for k in layer.kernel_size)
        around = layer.padding if isinstance(layer.padding, str) else tuple(min(p, k // 2) for p, k in zip(layer.padding, kernel))  # fmt: skip
        return nn.Conv2d(
            layer.in_channels, layer.out_channels, kernel, half, around, bias=layer.bias is not None,  # type: ignore[arg-type]
            padding_mode=layer.padding_mode,
        )  # fmt: skip
    raise NetworkRefused(f"{type(layer).__name__} is no convolution whose stride could be halved.")


def _smaller(kernel: int) -> int:
    """Two thirds, odd; 3 stays, since 1 would see no neighbours.

    >>> [_smaller(k) for k in (11, 7, 5, 3, 1)]
    [7, 5, 3, 3, 1]
    """
    return kernel if kernel <= 3 else max(3, int(kernel * 2 / 3) // 2 * 2 + 1)


def rectified(layer: Any) -> Any:
    """An activation with an upper end, exchanged for a rectifier; in Keras a layer that has one inside as well."""
    if is_keras(layer):
        config = layer.get_config()
        if "activation" not in config:
            raise NetworkRefused(f"{type(layer).__name__} has no activation that could be exchanged.")
        return again(layer, activation="relu")
    if next(layer.parameters(recurse=False), None) is not None:
        raise NetworkRefused(f"{type(layer).__name__} has no activation that could be exchanged.")
    return nn.ReLU()
