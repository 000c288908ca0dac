"""Random small networks, made of all that boxes may meet: drawn as a recipe, so that a failure shrinks to a short one."""

import torch
import torch.nn as nn
from hypothesis import strategies as st
from torch.nn import functional as F

FEW = 3
"""Channels of the picture."""


class Cooked(nn.Module):
    """A recipe as a network. Each step is (name, the values it reads, numbers); values are planes (C, H, W) until the last
    step.
    """

    def __init__(self, recipe, size):
        super().__init__()
        self.recipe, self.layers = recipe, nn.ModuleDict()
        values = [torch.zeros(1, FEW, *size, dtype=torch.float64)]
        for k, (name, read, numbers) in enumerate(recipe):
            layer = LAYERS[name](*(values[i % len(values)] for i in read), *numbers)
            if isinstance(layer, nn.Module):
                self.layers[str(k)] = lively(layer).double()
            else:
                setattr(self, f"step{k}", layer)
            values.append(self._step(k, values))
        self.eval().requires_grad_(False)

    def _step(self, k, values):
        _, read, _ = self.recipe[k]
        layer = self.layers[str(k)] if str(k) in self.layers else getattr(self, f"step{k}")
        with torch.no_grad():
            return layer(*(values[i % len(values)] for i in read))

    def forward(self, x):
        values = [x]
        for k in range(len(self.recipe)):
            values.append(self._step(k, values))
        return values[-1]


def lively(layer):
    """Statistics and scales that do something; nothing that drops out."""
    layer.eval()
    for part in layer.modules():
        if isinstance(part, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return layer


# --- steps: from what is read (as examples) and two numbers 0 … 5 to a layer or a function -------------------------------


def _convolution(x, a, b):
    channels, height, width = x.shape[1:]
    size = [(1, 1), (3, 3), (2, 3), (5, 1), (3, 3), (1, 1)][a]
    size = (min(size[0], height), min(size[1], width))
    stride, dilation = (2 if b in (1, 4) else 1), (2 if b == 2 and min(height, width) > 5 else 1)
    groups = channels if b == 3 else 1
    before = [s // 2 * dilation for s in size] if a != 4 else [0, 0]
    layers = [nn.Conv2d(channels, channels if b == 3 else 4 + a, size, stride, before, dilation, groups, bias=b != 0)]
    if b == 5 and min(height, width) > 2:
        layers.insert(0, nn.ZeroPad2d((0, 1, 1, 2)))
    if a == 1:
        layers.append(nn.BatchNorm2d(layers[-1].out_channels))
    return nn.Sequential(*layers, *[nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.Identity()][a % 4 : a % 4 + 1])


def _pool(x, a, b):
    size = min(2 + a % 2, *x.shape[2:])
    before = min(a // 2, size // 2)
    if b < 2:
        return nn.MaxPool2d(size, 1 + b, before, ceil_mode=a > 2)
    if b < 4:
        return nn.AvgPool2d(size, b - 1, before, ceil_mode=a > 3, count_include_pad=a % 2 == 0)
    to = (1 + a % x.shape[2], 1 + (a + 2) % x.shape[3])
    return nn.AdaptiveAvgPool2d(to) if b == 4 else nn.AdaptiveMaxPool2d(to)


def _element(x, a, b):
    function = [torch.relu, torch.tanh, F.gelu, F.hardswish, torch.sigmoid, torch.abs][a]
    if b == 0:
        return nn.BatchNorm2d(x.shape[1])
    if b == 1:
        return nn.PReLU(x.shape[1])
    if b == 2:
        return Held(lambda y, c: function(y) * c, x.shape[1], 1, 1)
    if b == 3:
        return Held(lambda y, c: function(y) + c, 1, *x.shape[2:])
    return lambda y: function(y) * 0.5 + 1


class Held(nn.Module):
    """A function with a constant."""

    def __init__(self, function, *shape):
        super().__init__()
        self.function = function
        self.register_buffer("held", torch.randn(shape))

    def forward(self, x):
        return self.function(x, self.held)


def _two(x, y, a, b):
    """Two planes made one; the second is brought to the places, and where need be to the channels, of the first."""
    places, channels = tuple(x.shape[2:]), x.shape[1]
    same = tuple(y.shape[2:]) == places
    fit = nn.Identity() if y.shape[1] == channels or a == 0 else nn.Conv2d(y.shape[1], channels, 1)
    function = [
        lambda p, q: torch.cat([p, q], 1),
        torch.add,
        torch.sub,
        torch.mul,
        torch.maximum,
        lambda p, q: torch.relu(p + q),
    ][a]
    return Joint(function, fit, None if same else places, ("nearest", "bilinear")[b % 2], b > 3)


class Joint(nn.Module):
    def __init__(self, function, fit, places, mode, gate):
        super().__init__()
        self.function, self.fit, self.places, self.mode, self.gate = function, fit, places, mode, gate

    def forward(self, x, y):
        y = y if self.places is None else F.interpolate(y, self.places, mode=self.mode)
        y = self.fit(y)
        return self.function(x, torch.sigmoid(y) if self.gate else y)


def _place(x, a, b):
    """What moves places or lays another grid."""
    channels, height, width = x.shape[1:]
    if b == 0:
        most = min(height, width) - 1
        widths = [min(n, most) for n in (a, 1, 0, 2)]
        mode = ("constant", "reflect", "replicate", "circular")[a % 4]
        value = 0.3 if mode == "constant" else None
        return lambda y: F.pad(y, widths, mode, value)
    if b == 1:
        return lambda y: y[:, :, a % height :, : width - a % width]
    if b == 2:
        return lambda y: y[:, :, :: 1 + a % 2, ::2] if a < 4 else y.flip(2 + a % 2)
    if b == 3 and max(height, width) < 24:
        settings = [
            {"scale_factor": 2},
            {"scale_factor": 1.5, "mode": "bilinear"},
            {"size": (height + 3, width), "mode": "bilinear", "align_corners": True},
            {"size": (height, 5), "mode": "nearest"},
            {"size": (7, width), "mode": "bicubic"},
            {"scale_factor": 0.5 if min(height, width) > 2 else 1.0, "mode": "bilinear"},
        ][a]
        return lambda y: F.interpolate(y, **settings)
    if b == 4 and max(height, width) < 24:
        return nn.ConvTranspose2d(channels, 4, 2 + a % 3, 1 + a % 2, a % 2)
    if channels % 4 == 0 and max(height, width) < 24:
        return nn.PixelShuffle(2)
    return nn.Identity()


def _channels(x, a, b):
    """What mixes or reorders the channels of a place."""
    channels = x.shape[1]
    if b == 0:
        return Last(nn.LayerNorm(channels))
    if b == 1:
        return Last(
            [
                nn.Sequential(nn.Linear(channels, 6), nn.GELU(), nn.Linear(6, 4)),
                Then(lambda y: y * torch.rsqrt(y.square().mean(-1, keepdim=True).abs() + 0.1), nn.Linear(channels, 4)),
                Then(lambda y: y / (1 + y.var(3, keepdim=True).abs()), nn.LayerNorm(channels)),
                Then(lambda y: y.softmax(-1) + y, nn.Identity()),
                Then(lambda y: torch.cat([y.chunk(2, -1)[0], torch.relu(y)], 3), nn.Identity()),
                nn.Sequential(nn.Linear(channels, 8), nn.GLU(-1)),
            ][a]
        )
    if b == 2 and channels % 2 == 0:
        return lambda y: y.view(len(y), 2, channels // 2, *y.shape[2:]).transpose(1, 2).reshape(y.shape)
    if b == 3 and channels > 1:
        return lambda y: torch.cat([torch.relu(p) if i % 2 else p for i, p in enumerate(y.chunk(2, 1))], 1)
    if b == 4:
        return nn.LocalResponseNorm(3)
    return [
        nn.Softmax(1),
        lambda y: F.normalize(y, dim=1),
        lambda y: y * torch.sigmoid(y.mean(1, keepdim=True)),
        lambda y: y - y.amax(1, keepdim=True),
        lambda y: y[:, : 1 + channels // 2],
        lambda y: y.narrow(1, channels // 2, channels - channels // 2),
    ][a]


class Last(nn.Module):
    """A layer on the last axis."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _whole(x, a, b):
    """What mixes the whole plane."""
    channels = x.shape[1]
    if b < 3:
        return Gated(channels, a)
    if b == 3:
        return nn.GroupNorm(1, channels)
    return lambda y: y * torch.softmax(y.flatten(2), 2).view(y.shape) if a < 3 else y - y.amax((2, 3), keepdim=True)


class Gated(nn.Module):
    """Squeeze and excite."""

    def __init__(self, channels, how):
        super().__init__()
        self.down, self.up, self.how = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1), how

    def forward(self, x):
        pooled = F.adaptive_avg_pool2d(x, 1) if self.how % 2 else x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.up(F.relu(self.down(pooled))))


def _head(x, a, b):
    channels, height, width = x.shape[1:]
    if b == 0:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5))
    if b == 1:
        return Then(lambda y: y.mean((2, 3)), nn.Linear(channels, 5))
    if b == 2:
        return nn.Sequential(
            nn.Flatten(), nn.Dropout(), nn.Linear(channels * height * width, 5), nn.ReLU(), nn.Linear(5, 3)
        )
    if b == 3:
        return Then(lambda y: y.permute(0, 2, 3, 1).reshape(len(y), -1), nn.Linear(channels * height * width, 5))
    if b == 4:
        return lambda y: y.amax((2, 3))
    return nn.Conv2d(channels, 2, 1) if a < 3 else Then(lambda y: y.flatten(1).cumsum(1), nn.Identity())


class Then(nn.Module):
    def __init__(self, function, layer):
        super().__init__()
        self.function, self.layer = function, layer

    def forward(self, x):
        return self.layer(self.function(x))


LAYERS = {
    "convolution": _convolution,
    "pool": _pool,
    "element": _element,
    "two": _two,
    "place": _place,
    "channels": _channels,
    "whole": _whole,
    "head": _head,
}


@st.composite
def recipes(draw, most=8):
    """A recipe, and the height and width of the picture."""
    size = draw(st.integers(6, 19)), draw(st.integers(6, 19))
    recipe = []
    names = ["convolution", "pool", "element", "two", "two", "place", "channels", "convolution"]
    mixes = draw(st.integers(0, 3)) == 0
    for k in range(draw(st.sampled_from([1, 2, 4, most]))):
        name = draw(st.sampled_from([*names, "whole"] if mixes else names))
        # mostly on from what came last, so that networks are deep
        reads = [k - draw(st.sampled_from([0, 0, 0, 1, 2])) if i == 0 else draw(st.integers(0, k)) for i in range(2)]
        numbers = draw(st.integers(0, 5)), draw(st.integers(0, 5))
        recipe.append((name, [max(0, r) for r in reads[: 2 if name == "two" else 1]], numbers))
    recipe.append(("head", [len(recipe)], (draw(st.integers(0, 5)), draw(st.integers(0, 5)))))
    return recipe, size
