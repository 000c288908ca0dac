"""Networks that look at the values of an image on their way: no list of operations holds for the next one."""

import numpy as np
import torch
import torch.nn.functional as F

from odd_networks.body import odd


@odd(way="real")
def branches_on_a_mean(net, x):
    y = net.conv(x)
    return net.head(y if y.mean() > 0 else -2 * y)


@odd(way="real")
def scales_by_an_item(net, x):
    y = net.conv(x)
    return net.head(y / y.abs().max().item())


@odd(way="real")
def swallows_the_refusal(net, x):
    y = net.conv(x)
    try:
        scale = y.abs().max().item()
    except Exception:
        scale = 1.0
    return net.head(y * scale)


@odd(way="real")
def halves_until_small(net, x):
    y = net.conv(x)
    while bool(y.abs().max() > 0.5):
        y = y / 2
    return net.head(y)


@odd(way="real")
def asks_for_equality(net, x):
    y = net.conv(x)
    return net.head(y if torch.equal(x, x.abs()) else y * 3)


@odd(way="real")
def picks_channels_by_value(net, x):
    y = net.conv(x)
    best = int(y.mean((0, 2, 3)).argmax())
    return net.head(y * y[:, best : best + 1])


@odd(way="real")
def takes_what_is_positive(net, x):
    y = net.conv(x)
    return net.head(y) + y[y > 0].mean()


@odd(way="real")
def lists_what_is_nonzero(net, x):
    y = net.conv(x)
    rows, *_ = torch.nonzero(y > 0.5, as_tuple=True)
    return net.head(y) + rows.numel() * 0.1


@odd(way="real")
def routes_each_image(net, x):
    y = net.conv(x)
    experts = [lambda t: t * 2, lambda t: t.abs(), torch.tanh]
    route = y.mean((1, 2, 3)).argsort()
    return net.head(torch.stack([experts[int(r) % 3](t) for r, t in zip(route, y)]))


@odd(way="real")
def turns_into_a_list(net, x):
    y = net.conv(x)
    return net.head(y * (1 + sum(x.mean((1, 2, 3)).tolist())))


@odd(way="real")
def weighs_by_numpy(net, x):
    y = net.conv(x)
    return net.head(y * float(np.abs(x.detach().numpy()).mean()))


@odd(way="real")
def repeats_by_value(net, x):
    y = net.conv(x).mean((2, 3))
    counts = (y.mean(1) > 0).long() + 1
    return net.fc(torch.repeat_interleave(y, counts, 0)[: len(x)])


@odd(way="real")
def asks_the_size_of_what_is_unique(net, x):
    y = net.conv(x)
    return net.head(y * torch.unique(torch.round(x)).numel())


@odd()
def chooses_with_where(net, x):
    y = net.conv(x)
    return net.fc(torch.where(y > 0, y, y * 0.1).mean((2, 3)))


@odd()
def takes_the_five_largest(net, x):
    largest, places = net.conv(x).flatten(2).topk(5, -1)
    return net.fc(largest.mean(-1) + places.float().mean(-1) * 0.01)


@odd()
def sorts_and_gathers(net, x):
    y = net.conv(x).flatten(2)
    order = y.sum(1, keepdim=True).argsort(-1).expand_as(y)
    return net.fc((y.gather(2, order) * torch.linspace(0, 1, 64)).mean(-1))


@odd()
def masks_by_its_own_mean(net, x):
    y = net.conv(x)
    return net.head(y.masked_fill(y < y.mean((2, 3), keepdim=True), 0))


@odd()
def quantises(net, x):
    y = net.conv(x)
    return net.head(y * F.one_hot(y.argmax(1), 8).permute(0, 3, 1, 2))


@odd(way="real")
def compares_two_as_a_key(net, x):
    y = net.conv(x)
    table = {True: y * 2, False: y.neg()}
    return net.head(table[bool(x.mean() > 0)])


@odd(way="real")
def ranges_over_a_value(net, x):
    y = net.conv(x)
    for _ in range(int(x.mean().abs().clamp(max=1) * 3) + 1):
        y = y + F.relu(y)
    return net.head(y)
