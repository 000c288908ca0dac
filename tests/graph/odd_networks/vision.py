"""Blocks that vision networks are made of, written with functions of tensors."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from odd_networks.body import odd


@odd(squeeze=lambda: nn.Conv2d(8, 2, 1), excite=lambda: nn.Conv2d(2, 8, 1))
def squeezes_and_excites(net, x):
    y = net.conv(x)
    return net.head(y * torch.sigmoid(net.excite(F.relu(net.squeeze(F.adaptive_avg_pool2d(y, 1))))))


@odd()
def shuffles_pixels(net, x):
    return net.head(F.pixel_unshuffle(F.pixel_shuffle(net.conv(x), 2).sin(), 2))


@odd()
def shuffles_groups_of_channels(net, x):
    y = net.conv(x)
    b, c, h, w = y.size()
    return net.head(
        y.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, -1, h, w) * torch.arange(8)[:, None, None]
    )


@odd(offsets=lambda: nn.Conv2d(8, 2, 3, padding=1))
def samples_at_learned_places(net, x):
    y = net.conv(x)
    b, _, h, w = y.shape
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    grid = torch.stack((columns, rows), -1).expand(b, -1, -1, -1) + net.offsets(y).permute(0, 2, 3, 1).tanh() * 0.2
    return net.head(F.grid_sample(y, grid, align_corners=True))


@odd(localise=lambda: nn.Linear(8, 6))
def transforms_space(net, x):
    theta = net.localise(net.conv(x).mean((2, 3))).view(-1, 2, 3) * 0.2 + torch.eye(2, 3)
    return net.head(
        net.conv(F.grid_sample(x, F.affine_grid(theta, x.size(), align_corners=False), align_corners=False))
    )


def _windows(y, side):
    b, h, w, c = y.shape
    y = y.view(b, h // side, side, w // side, side, c)
    return y.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, side * side, c)


def _back(windows, side, h, w):
    b = int(windows.shape[0] / (h * w / side / side))
    return (
        windows.view(b, h // side, w // side, side, side, -1).permute(0, 1, 3, 2, 4, 5).contiguous().view(b, h, w, -1)
    )


@odd(qkv=lambda: nn.Linear(8, 24))
def attends_in_shifted_windows(net, x):
    y = torch.roll(net.conv(x).permute(0, 2, 3, 1), (-2, -2), (1, 2))
    w = _windows(y, 4)
    q, k, v = net.qkv(w).reshape(w.size(0), 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
    a = (q * 0.5) @ k.transpose(-2, -1)
    w = (a.softmax(-1) @ v).transpose(1, 2).reshape(w.size(0), 16, 8)
    return net.fc(torch.roll(_back(w, 4, 8, 8), (2, 2), (1, 2)).mean((1, 2)))


@odd(dilated=lambda: nn.ModuleList([nn.Conv2d(8, 8, 3, padding=d, dilation=d) for d in (1, 2, 3)]))
def looks_at_several_scales(net, x):
    y = net.conv(x)
    pooled = F.interpolate(F.adaptive_avg_pool2d(y, 1), y.shape[-2:], mode="bilinear", align_corners=False)
    return net.head(torch.cat([*(conv(y) for conv in net.dilated), pooled], 1).unflatten(1, (4, 8)).mean(1))


@odd(lateral=lambda: nn.Conv2d(8, 8, 1))
def adds_a_pyramid(net, x):
    fine = net.conv(x)
    coarse = F.max_pool2d(fine, 2)
    return net.head(net.lateral(fine) + F.interpolate(coarse, size=fine.shape[2:], mode="nearest"))


@odd()
def unfolds_and_folds(net, x):
    patches = F.unfold(net.conv(x), 3, padding=1)
    return net.head(F.fold(patches * torch.linspace(0, 1, 72)[:, None], (8, 8), 3, padding=1))


@odd(up=lambda: nn.ConvTranspose2d(8, 8, 2, 2, groups=2))
def goes_down_and_up(net, x):
    y = net.conv(x)
    small, where = F.max_pool2d(y, 2, return_indices=True)
    return net.head(net.up(small) + F.max_unpool2d(small, where, 2))


@odd()
def blurs_with_padding(net, x):
    y = F.pad(net.conv(x), (1, 2, 1, 0), mode="reflect")
    y = F.pad(y, (1, 0), value=0.3)
    return net.head(F.avg_pool2d(y, (2, 3), stride=1, count_include_pad=False))


@odd()
def pads_channels(net, x):
    y = F.pad(net.conv(x)[:, ::2, ::2], (0, 0, 0, 0, 2, 2))
    return net.head(y)


@odd()
def contracts_by_einsum(net, x):
    y = net.conv(x)
    return net.fc(torch.einsum("bchw,bdhw->bcd", y, F.relu(y)).mean(2) / 64)


@odd(gate=lambda: nn.Conv2d(8, 16, 1), act=lambda: nn.PReLU(8))
def gates(net, x):
    a, b = net.gate(net.act(net.conv(x))).chunk(2, 1)
    return net.head(F.glu(torch.cat([a, b], 1), 1) + F.softplus(a) * F.mish(b) + F.hardswish(a) - F.elu(b))


@odd(scale=lambda: nn.Parameter(torch.full((8,), 0.1)), norm=lambda: nn.LayerNorm(8), mlp=lambda: nn.Linear(8, 8))
def is_a_block_of_channels_last(net, x):
    y = net.conv(x)
    z = net.mlp(F.gelu(net.norm(y.permute(0, 2, 3, 1)))) * net.scale
    return net.head(y + z.permute(0, 3, 1, 2))


@odd()
def pools_by_a_norm(net, x):
    y = net.conv(x)
    return net.fc(y.clamp(min=1e-3).pow(3).mean((2, 3)).pow(1 / 3) + F.lp_pool2d(y.abs() + 0.1, 2, 8).flatten(1))


@odd(bank=lambda: nn.Parameter(torch.randn(4, 8, 8, 1, 1)), router=lambda: nn.Linear(8, 4))
def mixes_kernels_for_each_image(net, x):
    y = net.conv(x)
    b, c, h, w = y.shape
    mix = net.router(y.mean((2, 3))).softmax(1)
    kernels = torch.einsum("bk,koihw->boihw", mix, net.bank).reshape(b * 8, 8, 1, 1)
    return net.head(F.conv2d(y.reshape(1, b * c, h, w), kernels, groups=b).view(b, 8, h, w))


@odd(bias=lambda: nn.Parameter(torch.randn(15 * 15)))
def looks_places_up_in_a_table(net, x):
    place = torch.stack(torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")).flatten(1)
    relative = (place[:, :, None] - place[:, None, :] + 7).permute(1, 2, 0)
    table = net.bias[(relative[..., 0] * 15 + relative[..., 1]).view(-1)].view(64, 64)
    t = net.tokens(x)
    return net.fc(((t @ t.transpose(1, 2) * 0.3 + table).softmax(-1) @ t)[:, ::7].mean(1))


@odd()
def whitens_colours(net, x):
    y = (x - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / torch.tensor([0.2, 0.2, 0.3]).view(3, 1, 1)
    return net.head(net.conv(y[:, [2, 1, 0]]))
