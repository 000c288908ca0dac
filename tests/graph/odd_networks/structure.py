"""Networks put together in unusual ways: shared, called twice, made on the way, called by keyword, kept out of sight."""

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, vmap

from odd_networks.body import odd


@odd(relu=nn.ReLU)
def rectifies_twice_with_one_module(net, x):
    return net.fc(net.relu(net.relu(net.conv(x)) - 0.5).mean((2, 3)))


@odd(more=lambda: nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()))
def goes_round_a_block(net, x):
    y = net.conv(x)
    for _ in range(3):
        y = y + net.more(y)
    return net.head(y)


def _tied(body):
    body.other.weight = body.fc.weight


@odd(other=lambda: nn.Linear(8, 4), change=_tied)
def ties_its_weights(net, x):
    p = F.relu(net.conv(x)).mean((2, 3))
    return net.fc(p) + net.other(p * 2)


@odd()
def calls_by_keyword(net, x):
    return net.fc(input=F.relu(input=net.conv(input=x)).mean(dim=(2, 3)))


class Named(nn.Module):
    """Its forward takes keywords only."""

    def forward(self, *, image, scale=2.0):
        return {"image": image * scale}


@odd(named=Named)
def has_a_part_for_keywords_only(net, x):
    return net.head(net.conv(net.named(image=x, scale=3.0)["image"]))


@odd()
def makes_a_module_on_the_way(net, x):
    pool = nn.Sequential(nn.AvgPool2d(2), nn.ReLU(inplace=True))
    return net.fc(pool(net.conv(x)).mean((2, 3)))


@odd()
def is_all_functions(net, x):
    y = F.conv2d(x, net.conv.weight, net.conv.bias, padding=1)
    return F.linear(F.adaptive_avg_pool2d(F.relu(y), 1).flatten(1), net.fc.weight, net.fc.bias)


@odd()
def is_called_functionally(net, x):
    doubled = {k: v * 2 for k, v in net.conv.named_parameters()}
    return net.head(functional_call(net.conv, doubled, (x,)))


def _hidden(body):
    torch.manual_seed(1)
    body.hidden = [nn.Conv2d(8, 8, 1)]


@odd(change=_hidden)
def keeps_a_module_in_a_list(net, x):
    return net.head(net.hidden[0](net.conv(x)))


def _partial(body):
    body.activate = functools.partial(F.leaky_relu, negative_slope=0.3)


@odd(change=_partial)
def keeps_a_function(net, x):
    return net.fc(net.activate(net.conv(x)).mean((2, 3)))


def _doubling(body):
    body.conv.register_forward_hook(lambda module, given, returned: returned * 2)
    body.fc.register_forward_pre_hook(lambda module, given: (given[0] + 1,))


@odd(change=_doubling)
def is_changed_by_hooks(net, x):
    return net.head(net.conv(x))


def _patched(body):
    original = body.conv.forward
    body.conv.forward = lambda x: original(x) * 2


@odd(change=_patched, copies=False)
def has_a_patched_forward(net, x):
    return net.head(net.conv(x))


class Features(dict):
    """A container of one's own, which no tree of arguments opens."""


class Packed(nn.Module):
    def forward(self, features):
        features["packed"] = torch.tanh(features["conv"])
        return features


@odd(packed=Packed)
def passes_a_container_along(net, x):
    return net.head(net.packed(Features(conv=net.conv(x)))["packed"])


class Box:
    """An object that holds a tensor."""

    def __init__(self, tensor):
        self.tensor = tensor

    def doubled(self):
        return Box(self.tensor * 2)


@odd()
def passes_an_object_along(net, x):
    return net.head(Box(net.conv(x)).doubled().tensor)


class Marked(torch.Tensor):
    """A tensor of a class of one's own."""


@odd(way="whole")
def marks_its_tensors(net, x):
    return net.head(net.conv(x).as_subclass(Marked) * 2).as_subclass(torch.Tensor)


@odd(way="whole")
def maps_over_the_batch(net, x):
    y = net.conv(x)
    return net.head(vmap(lambda t: t * t.mean())(y))


@odd(way="whole")
def derives_by_a_transform(net, x):
    y = net.conv(x)
    return net.head(torch.func.grad(lambda t: (t**3).sum())(y))


@odd()
def returns_itself_unchanged(net, x):
    return net.head(nn.Identity()(net.conv(nn.Identity()(x))))


@odd()
def ignores_a_part(net, x):
    y = net.conv(x)
    net.fc(y.mean((2, 3)) * 7)
    return net.head(y)


@odd(blocks=lambda: nn.ModuleDict({"a": nn.Conv2d(8, 8, 1), "b": nn.Conv2d(8, 8, 3, padding=1)}))
def branches_in_a_dict(net, x):
    y = net.conv(x)
    return net.head(sum(block(y) for block in net.blocks.values()) + y)


@odd()
def builds_a_sequence_of_constants(net, x):
    w = net.conv.weight.flatten(1)
    gram = w @ w.t()
    return net.head(torch.einsum("bchw,cd->bdhw", net.conv(x), torch.linalg.inv(gram + torch.eye(8))))


@odd(way="real")
def asks_for_its_type(net, x):
    y = net.conv(x)
    return net.head(y * 2 if type(x) is torch.Tensor else y)
