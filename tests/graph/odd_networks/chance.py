"""Networks that draw lots. Judged with the same state of chance before the network and before the graph."""

import random

import numpy as np
import torch
import torch.nn.functional as F

from odd_networks.body import odd


@odd()
def adds_noise(net, x):
    return net.head(net.conv(x + torch.rand_like(x)))


@odd()
def scales_each_image_by_chance(net, x):
    return net.head(net.conv(x) * torch.rand(x.size(0), 1, 1, 1))


@odd()
def drops_always(net, x):
    return net.head(F.dropout(net.conv(x), 0.5, True))


@odd()
def drops_whole_channels_always(net, x):
    return net.head(F.dropout2d(net.conv(x), 0.5))


@odd()
def shuffles_channels(net, x):
    return net.head(net.conv(x)[:, torch.randperm(8)] * torch.arange(8)[:, None, None])


@odd()
def shuffles_the_batch(net, x):
    return net.head(net.conv(x)[torch.randperm(x.size(0))])


@odd()
def drops_paths(net, x):
    keep = x.new_empty((x.size(0), 1, 1, 1)).bernoulli_(0.7)
    return net.head(net.conv(x) * keep / 0.7)


@odd()
def draws_normal_noise(net, x):
    y = net.conv(x)
    return net.head(y + torch.randn(y.shape) * 0.1 + torch.normal(torch.zeros(8), torch.ones(8))[:, None, None])


@odd(way="whole")
def scales_by_pythons_chance(net, x):
    return net.head(net.conv(x) * (1 + random.random()))


@odd(way="whole")
def scales_by_numpys_chance(net, x):
    return net.head(net.conv(x) * float(1 + np.random.rand()))
