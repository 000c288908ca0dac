"""Networks with other inputs, outputs and precisions than (N, 3, H, W) float32 to (N, classes)."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from odd_networks.body import odd

Pair = namedtuple("Pair", ("logits", "features"))


@dataclass
class Answer:
    """An output as many libraries return it."""

    logits: torch.Tensor
    hidden: list[torch.Tensor]


class Output(OrderedDict):
    """A dict that is an object too."""

    def __getattr__(self, name):
        return self[name]


@odd()
def answers_with_a_tuple(net, x):
    y = net.conv(x)
    return net.head(y), y


@odd()
def answers_with_a_dict(net, x):
    y = net.conv(x)
    return {"features": y, "logits": net.head(y)}


@odd()
def answers_with_a_named_tuple(net, x):
    y = net.conv(x)
    return Pair(net.head(y), y)


@odd()
def answers_with_a_dataclass(net, x):
    y = net.conv(x)
    return Answer(net.head(y), [y, F.relu(y)])


@odd()
def answers_with_a_dict_of_its_own(net, x):
    y = net.conv(x)
    return Output(logits=net.head(y), inner=Output(features=y))


@odd()
def answers_with_a_tuple_with_none(net, x):
    return net.head(net.conv(x)), None, 3


@odd()
def answers_with_a_softmax(net, x):
    return net.head(net.conv(x)).softmax(-1)


@odd()
def answers_with_a_single_number(net, x):
    return net.head(net.conv(x))[:, :1]


@odd()
def answers_with_places(net, x):
    return F.interpolate(net.conv(x), scale_factor=2, mode="bilinear")[:, :4]


@odd(dtype=torch.float64)
def computes_in_double(net, x):
    return net.head(net.conv(x))


@odd(dtype=torch.bfloat16)
def computes_in_bfloat16(net, x):
    return net.head(net.conv(x))


@odd(dtype=torch.float16)
def computes_in_half(net, x):
    return net.head(net.conv(x))


@odd()
def goes_up_to_double_and_down(net, x):
    return net.head((net.conv(x).double() ** 2).to(x.dtype))


@odd(channels_last=True)
def takes_channels_last(net, x):
    return net.head(net.conv(x))


@odd(channels_last=True)
def asks_whether_memory_is_in_order(net, x):
    y = net.conv(x)
    return net.head(y * 2 if x.is_contiguous() else y.abs())


@odd()
def orders_memory_anew(net, x):
    y = net.conv(x.contiguous(memory_format=torch.channels_last))
    return net.head(y.contiguous() * (1 if y.is_contiguous(memory_format=torch.channels_last) else 5))


@odd(size=(3, 9, 13))
def takes_oblong_images(net, x):
    return net.head(net.conv(x).roll((1, 2), (2, 3)) * torch.arange(x.size(2))[:, None])


@odd(size=(3, 16), signal=lambda: nn.Conv1d(3, 8, 3))
def takes_signals(net, x):
    return net.fc(F.relu(net.signal(x)).mean(2))


@odd(size=(3, 4, 6, 6), volume=lambda: nn.Conv3d(3, 8, 3))
def takes_volumes(net, x):
    return net.fc(F.relu(net.volume(x)).mean((2, 3, 4)))


@odd(size=(12,), first=lambda: nn.Linear(12, 8))
def takes_rows(net, x):
    return net.fc(torch.tanh(net.first(x)))


@odd()
def wraps_complex_numbers(net, x):
    y = torch.fft.rfft2(net.conv(x))
    return net.head(torch.fft.irfft2(y * torch.polar(torch.ones(5), torch.linspace(0, 3, 5))))


@odd()
def turns_pairs(net, x):
    t = net.tokens(x).reshape(x.size(0), 64, 4, 2)
    angles = torch.arange(64)[:, None] * torch.tensor([1.0, 0.3, 0.1, 0.03])
    turned = torch.view_as_complex(t.contiguous()) * torch.polar(torch.ones_like(angles), angles)
    return net.fc((torch.view_as_real(turned).flatten(2) * torch.linspace(0, 1, 64)[:, None]).mean(1))
