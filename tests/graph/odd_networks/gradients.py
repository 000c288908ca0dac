"""Networks that meddle with gradients: off, on, detached, hooked, of their own making, in other precision."""

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from odd_networks.body import odd


@odd()
def weighs_without_gradient(net, x):
    y = net.conv(x)
    with torch.no_grad():
        w = torch.softmax(y, 1)
    return net.head(y * w)


@odd()
def weighs_in_inference_mode(net, x):
    y = net.conv(x)
    with torch.inference_mode():
        w = torch.sigmoid(y.mean())
    return net.head(y) * w.clone()


@odd()
def switches_gradients_on_inside_off(net, x):
    with torch.no_grad():
        y = net.conv(x) * 2
        with torch.enable_grad():
            z = net.conv(x)
    return net.head(y + z)


@odd()
def multiplies_by_its_detached_self(net, x):
    y = net.conv(x)
    return net.fc((y * y.detach()).mean((2, 3)))


@odd()
def multiplies_by_its_data(net, x):
    y = net.conv(x)
    return net.fc((y * y.data).mean((2, 3)))


@odd()
def reads_transposes_and_real_parts(net, x):
    y = net.conv(x).mean((2, 3))
    return net.fc(y.T.T + y.mT.mT + torch.complex(y, y * 2).real.H.H)


@odd()
def estimates_straight_through(net, x):
    y = net.conv(x)
    return net.head(y + (torch.round(y) - y).detach())


class Tripled(torch.autograd.Function):
    """A square whose backward is deliberately another's: only its own backward gives it."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, *gradients):
        (x,) = ctx.saved_tensors
        return 3 * x * gradients[0]


@odd()
def has_a_backward_of_its_own(net, x):
    return net.head(Tripled.apply(net.conv(x)))


class Swapped(torch.autograd.Function):
    """Two inputs, two outputs; writes into its first input."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.mark_dirty(a)
        a.mul_(2)
        return a, b * 3

    @staticmethod
    def backward(ctx, *gradients):
        return gradients[1], gradients[0] * 5


@odd()
def has_a_function_that_writes(net, x):
    a, b = Swapped.apply(net.conv(x) * 1, net.conv(x).abs())
    return net.head(a + b)


@odd(way="whole")
def hooks_a_tensor(net, x):
    y = net.conv(x)
    if y.requires_grad:
        y.register_hook(lambda g: g * 2)
    return net.head(y)


def _doubled_gradients(body):
    body.conv.register_full_backward_hook(lambda module, given, arrived: (given[0] * 2,))


@odd(way="whole", change=_doubled_gradients)
def hooks_its_backward(net, x):
    return net.head(net.conv(x))


@odd(way="whole")
def differentiates_itself(net, x):
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        (g,) = torch.autograd.grad(net.conv(leaf).pow(2).sum(), leaf)
    return net.head(net.conv(x + g))


@odd()
def checkpoints(net, x):
    return net.head(checkpoint(lambda t: net.conv(t) * F.relu(net.conv(t)), x, use_reentrant=False))


@odd()
def checkpoints_reentrantly(net, x):
    return net.head(checkpoint(lambda t: net.conv(t) * F.relu(net.conv(t)), x, use_reentrant=True))


@odd()
def casts_automatically(net, x):
    with torch.autocast("cpu", torch.bfloat16):
        y = net.conv(x)
    return net.head(y.float())


@odd()
def casts_automatically_but_for_a_part(net, x):
    with torch.autocast("cpu", torch.bfloat16):
        y = net.conv(x)
        with torch.autocast("cpu", enabled=False):
            y = F.conv2d(y.float(), net.conv.weight[:, :1].expand(8, 8, 3, 3), padding=1)
    return net.head(y)
