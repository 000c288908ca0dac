"""Networks that write in place: into views, into the image, into tables they made."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from odd_networks.body import odd


@odd()
def writes_through_a_view(net, x):
    y = net.conv(x)
    y[:, :3].mul_(2)
    return net.head(y)


@odd()
def rectifies_a_slice_in_place(net, x):
    y = net.conv(x)
    F.relu_(y[:, 2:5])
    return net.fc(y.mean((2, 3)))


@odd()
def sets_an_item(net, x):
    y = net.conv(x) * 1
    y[:, 0] = y[:, 1] * 2
    return net.head(y)


@odd()
def sets_an_item_by_mask(net, x):
    y = net.conv(x) * 1
    y[y < -0.5] = 0.1
    return net.head(y)


@odd()
def fills_a_table_of_zeros(net, x):
    y, o = net.conv(x), torch.zeros(x.shape[0], 8, 8, 8)
    o[:, :4].copy_(y[:, 4:])
    o[:, 4:] += y[:, :4] ** 2
    return net.head(o)


@odd()
def fills_a_table_in_a_loop(net, x):
    y = net.conv(x)
    o = y.new_empty(y.shape)
    for c in range(8):
        o[:, c] = y[:, 7 - c] * (c + 1)
    return net.head(o)


@odd()
def writes_into_the_image(net, x):
    x.sub_(0.5).div_(0.25)
    return net.head(net.conv(x))


@odd()
def writes_into_a_part_of_the_image(net, x):
    x[:, 0] *= 2
    return net.head(net.conv(x))


@odd()
def adds_in_place_under_another_name(net, x):
    y = net.conv(x)
    z = y
    y += F.relu(y)
    return net.fc((z * y).mean((2, 3)))


@odd()
def reads_a_view_after_its_base_was_written(net, x):
    y = net.conv(x)
    part = y[:, :2]
    y.mul_(3)
    return net.head(y) + part.mean()


@odd()
def writes_through_two_views_in_turn(net, x):
    y = net.conv(x)
    a, b = y[:, :5], y[:, 3:]
    a.mul_(2)
    b.add_(a.mean(1, keepdim=True))
    a.neg_()
    return net.head(y)


@odd()
def writes_through_a_transposed_view(net, x):
    y = net.conv(x)
    y.permute(0, 2, 3, 1).reshape(-1, 8)
    y.transpose(1, 3)[..., 1:3].mul_(0.5)
    return net.head(y)


@odd()
def writes_through_a_view_of_a_flattened(net, x):
    y = net.conv(x)
    y.view(y.size(0), -1)[:, ::3].zero_()
    return net.head(y)


@odd()
def writes_to_out(net, x):
    y = net.conv(x)
    with torch.no_grad():
        o = torch.empty_like(y)
        torch.mul(y, 2, out=o)
    return net.head(y * o)


@odd()
def scatters_and_indexes_in_place(net, x):
    y = net.conv(x).mean((2, 3))
    o = torch.zeros(x.size(0), 8).scatter_add_(1, torch.arange(8).flip(0).expand(x.size(0), -1), y)
    o.index_add_(1, torch.tensor([0, 2]), y[:, :2])
    o.masked_fill_(y > 0.2, 0.3)
    return net.fc(o)


@odd(relu=lambda: nn.ReLU(inplace=True))
def rectifies_in_place_and_adds_what_was_rectified(net, x):
    y = net.conv(x)
    return net.fc((y + net.relu(y)).mean((2, 3)))


@odd(relu=lambda: nn.ReLU(inplace=True), more=lambda: nn.Conv2d(8, 8, 1))
def one_rectifier_for_all(net, x):
    y = net.relu(net.conv(x))
    return net.fc(net.relu(net.more(y)).mean((2, 3)))


@odd()
def splits_and_writes_into_the_parts(net, x):
    a, b = net.conv(x).chunk(2, 1)
    c = a * b
    c.clamp_(min=0)
    return net.fc(torch.cat([c, b], 1).mean((2, 3)))


@odd()
def squares_in_place_and_reads_the_version_before(net, x):
    y = net.conv(x)
    before = y.clone()
    y.pow_(2)
    return net.head(y + before)


@odd()
def resizes_a_table(net, x):
    y = net.conv(x)
    z = torch.zeros(2)
    z.resize_(x.size(0), 1).copy_(y.mean((1, 2, 3))[:, None])
    return net.head(y) * z
