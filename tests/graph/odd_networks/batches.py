"""Networks that calculate with the size of the batch, or go along it."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from odd_networks.body import odd


@odd()
def flattens_by_the_batch(net, x):
    return net.fc(F.relu(net.conv(x)).view(x.size(0), 8, -1).mean(2))


@odd()
def divides_by_the_batch(net, x):
    return net.head(net.conv(x)) / x.shape[0] * x.size(0)


@odd(way="this batch", even=(3,))
def scales_by_one_over_the_batch(net, x):
    return net.head(net.conv(x) * (1 / x.size(0)))


@odd(way="this batch", even=(3,))
def scales_by_the_square_of_the_batch(net, x):
    return net.head(net.conv(x) * x.size(0) ** 2)


@odd(way="this batch", even=(3,))
def scales_by_half_the_batch(net, x):
    return net.head(net.conv(x) * (1 + x.size(0) // 2))


@odd(way="this batch", even=(3,))
def scales_by_the_batch_modulo_two(net, x):
    return net.head(net.conv(x) * (1 + x.size(0) % 2))


@odd(way="this batch", even=(3,))
def scales_by_the_root_of_the_batch(net, x):
    return net.head(net.conv(x) / x.size(0) ** 0.5)


@odd(way="this batch", even=(3, 1))
def scales_by_at_most_three(net, x):
    return net.head(net.conv(x) * min(x.size(0), 3))


@odd(way="this batch", even=(3, 1))
def goes_another_way_above_four(net, x):
    y = net.conv(x)
    return net.head(y * 2 if x.size(0) > 4 else y.abs())


@odd(way="this batch", even=(5, 3))
def goes_another_way_at_one(net, x):
    y = net.conv(x)
    return net.head(y if x.size(0) == 1 else y * 2)


@odd(way="this batch")
def loops_over_the_batch(net, x):
    return torch.stack([net.head(net.conv(x[i : i + 1]))[0] for i in range(x.size(0))])


@odd(way="this batch")
def iterates_over_the_batch(net, x):
    return torch.stack([net.fc(y.mean((1, 2))) for y in net.conv(x)])


@odd(way="this batch")
def unbinds_the_batch(net, x):
    return net.head(torch.stack([y * (i + 1) for i, y in enumerate(net.conv(x).unbind(0))]))


@odd(way="this batch")
def splits_the_batch(net, x):
    return net.head(torch.cat([net.conv(part) for part in x.split(1)]))


@odd(way="this batch", even=(5, 3))
def chunks_the_batch(net, x):
    return net.head(torch.cat([net.conv(part) * (k + 1) for k, part in enumerate(x.chunk(2))]))


@odd()
def merges_batch_and_channels(net, x):
    b, c, h, w = x.shape
    return net.head(net.conv(F.avg_pool2d(x.view(b * c, 1, h, w), 2).view(b, c, h // 2, w // 2)))


@odd()
def goes_along_the_batch(net, x):
    y = net.conv(x)
    return net.head(y - y.mean(0, keepdim=True) + y.cumsum(0) / torch.arange(1, len(x) + 1)[:, None, None, None])


@odd()
def rolls_and_mirrors_the_batch(net, x):
    y = net.conv(x)
    return net.head(y + y.roll(1, 0) * 2 + y.flip(0) + y[torch.arange(len(x) - 1, -1, -1)])


@odd()
def takes_the_last_of_the_batch(net, x):
    y = net.conv(x)
    return net.head(y * y[-1:] + y[x.size(0) - 1])


@odd(
    token=lambda: nn.Parameter(torch.ones(1, 1, 8)),
    place=lambda: nn.Parameter(torch.linspace(-1, 1, 65 * 8).view(1, 65, 8)),
)
def puts_a_token_before(net, x):
    t = torch.cat([net.token.expand(x.size(0), -1, -1), net.tokens(x)], 1) + net.place
    return net.fc(F.scaled_dot_product_attention(t, t, t)[:, 0])


@odd()
def makes_a_mesh_of_the_batch(net, x):
    rows = torch.arange(x.size(0)).view(-1, 1).expand(-1, 8)
    y = net.conv(x).mean((2, 3))
    return net.fc(y[rows, torch.arange(7, -1, -1).expand(x.size(0), -1)])


@odd(way="this batch")
def makes_a_constant_of_the_batch_by_numpy(net, x):
    ramp = torch.from_numpy(np.linspace(1, 2, x.size(0), dtype=np.float32) if x.size(0) > 1 else np.ones(1, np.float32))
    return net.head(net.conv(x) * ramp[:, None, None, None])
