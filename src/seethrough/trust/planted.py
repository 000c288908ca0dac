"""Planted truth: networks that were built by hand, so that it is known pixel by pixel what their answers depend on.

What tells whether a verdict about maps is right is a network whose right map is known. A trained network's isn't. These
read what they were built to read: a drawn sign, a colour, a texture, two signs together, the surroundings; through one
layer or several, with batch normalisation, pooling, skips and attention, among channels that were drawn at random and
hardly count. Each picture shows what speaks for the target, what speaks for another class elsewhere, and things that
mean nothing to the network and have strong edges.

Two groups of families: the verdict's thresholds were chosen on `CALIBRATION`, and are held to on `HELD_OUT`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource
from seethrough.trust.planted_scenes import SIGN, SIZE, Paint, Room, blob, draw, ground, hues_of, scatter, signs

FAINT = 0.02
"""How much the channels that were drawn at random count, beside 1 for those that were built."""


@dataclass(frozen=True, eq=False)
class Planted:
    """A network and pictures, and where the truth lies.

    Attributes
    ----------
    family
        How it was built.
    network
        From (N, 3, H, W) in 0…1 to (N, classes).
    pictures
        float32 (N, 3, H, W).
    targets, others
        int64 (N,): the class that is asked about; another whose evidence stands elsewhere in the same picture.
    truth
        bool (N, H, W): the pixels that the target's answer depends on.
    """

    family: str
    network: nn.Module
    pictures: Tensor
    targets: Tensor
    others: Tensor
    truth: Tensor

    def run(self, targets: Tensor | None = None, rows: slice = slice(None), **settings: object) -> Run:
        """The question why the network gives the targets its values, about some of the pictures."""
        source = GraphSource(self.network, self.network, {id(m): name for name, m in self.network.named_modules()})
        asked = (self.targets if targets is None else targets)[rows]
        return Run(
            source,
            self.pictures[rows],
            lambda out, which: out.gather(1, asked[which][:, None])[:, 0],
            black=torch.zeros(1, 3, 1, 1),
            **settings,  # type: ignore[arg-type]
        )


def planted(family: str, pictures: int = 4, seed: int = 0) -> Planted:
    """A network of this family and some pictures for it.

    Parameters
    ----------
    family
        A name of `FAMILIES`.
    seed
        Of the network (its signs, its colours, its random channels) and of the pictures.
    """
    chance = np.random.default_rng([seed, list(FAMILIES).index(family)])
    network, paint = FAMILIES[family](chance)
    network = network.eval().requires_grad_(False)
    shown, truths, targets, others = [], [], [], []
    while len(shown) < pictures:
        target, other = (int(c) for c in chance.permutation(3)[:2])
        picture, truth = paint(chance, target, other)
        image = torch.from_numpy(picture.clip(0, 1).astype(np.float32))
        if not _reads_its_truth(network, image, truth, target):
            continue
        shown.append(image)
        truths.append(torch.from_numpy(truth))
        targets.append(target)
        others.append(other)
    return Planted(
        family, network, torch.stack(shown), torch.tensor(targets), torch.tensor(others), torch.stack(truths)
    )


def _reads_its_truth(network: nn.Module, image: Tensor, truth: np.ndarray, target: int) -> bool:
    """Whether chance put nothing into the picture that the network takes for what it reads: nine tenths of the answer must
    go with the truth, and no more than a tenth with everything else.
    """
    mask = torch.from_numpy(truth)[None]
    empty = image.mean((1, 2), keepdim=True).expand_as(image)
    versions = torch.stack([image, torch.where(mask, empty, image), torch.where(mask, image, empty), empty])
    whole, without, alone, nothing = network(versions)[:, target].tolist()
    rise = whole - nothing
    return rise > 0.1 and abs(without - nothing) < 0.1 * rise and abs(alone - whole) < 0.1 * rise


# --- pieces of networks -----------------------------------------------------------------------------------------------


def _convolution(kernels: np.ndarray, bias: np.ndarray) -> nn.Conv2d:
    """A convolution that keeps the size, with these kernels (out, in, height, width)."""
    out, into, height, width = kernels.shape
    layer = nn.Conv2d(into, out, (height, width), padding=(height // 2, width // 2))
    layer.weight.data = torch.from_numpy(kernels.astype(np.float32))
    layer.bias = nn.Parameter(torch.from_numpy(np.asarray(bias, np.float32)))
    return layer


def _linear(weights: np.ndarray, bias: np.ndarray | float = 0.0) -> nn.Linear:
    layer = nn.Linear(weights.shape[1], weights.shape[0])
    layer.weight.data = torch.from_numpy(weights.astype(np.float32))
    layer.bias.data = torch.from_numpy(np.broadcast_to(np.asarray(bias, np.float32), (len(weights),)).copy())
    return layer


def _finders(chance: Generator, drawn: np.ndarray, noise: int = 5, threshold: float = 0.55) -> nn.Conv2d:
    """Kernels that answer 1 − threshold where their sign stands, and as many random ones as told."""
    own = np.repeat((drawn / (drawn**2).sum((1, 2), keepdims=True))[:, None], 3, 1) / 3 / 0.4
    random = chance.normal(0, own.std(), (noise, *own.shape[1:]))
    bias = np.concatenate([np.full(len(own), -threshold), np.zeros(noise)])
    return _convolution(np.concatenate([own, random]), bias)


def _head(chance: Generator, noise: int, scale: float = 10.0, faint: float = FAINT) -> nn.Linear:
    """Each class reads its own channel of three, and hardly the random ones behind them."""
    return _linear(scale * np.concatenate([np.eye(3), faint * chance.normal(0, 1, (3, noise))], 1))


def _normalised(chance: Generator, channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with statistics as after training, which changes nothing in all."""
    norm = nn.BatchNorm2d(channels, eps=0.0)
    mean, deviation = chance.normal(0, 0.3, channels), chance.uniform(0.5, 2, channels)
    norm.running_mean = torch.from_numpy(mean.astype(np.float32))
    norm.running_var = torch.from_numpy((deviation**2).astype(np.float32))
    norm.weight.data = torch.from_numpy(deviation.astype(np.float32))
    norm.bias.data = torch.from_numpy(mean.astype(np.float32))
    return norm


class _Steps(nn.Sequential):
    """Layers in order; pools over all places at the end of ``features``."""


class _Pool(nn.Module):
    """The mean over all places, or the largest."""

    def __init__(self, how: str, scale: float = 1.0) -> None:
        super().__init__()
        self.how, self.scale = how, scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * (x.mean((2, 3)) if self.how == "mean" else x.amax((2, 3)))


class _Skip(nn.Module):
    """What comes in, and a little that a random branch adds."""

    def __init__(self, chance: Generator, channels: int) -> None:
        super().__init__()
        deviation = FAINT / np.sqrt(9 * channels)
        kernels = chance.normal(0, deviation, (channels, channels, 3, 3))
        self.branch = _Steps(_convolution(kernels, np.zeros(channels)), _normalised(chance, channels), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.branch(x))


class _Both(nn.Module):
    """From six channels, two a class: what both have in common, so that one alone says nothing."""

    def forward(self, x: Tensor) -> Tensor:
        found = x.amax((2, 3))
        return F.relu(found[:, 0:6:2] + found[:, 1:6:2] - 0.5)


class _Attending(nn.Module):
    """Tokens of a grid; three queries, one a class, attend to what they look for and read how much of it there is."""

    def __init__(self, finders: nn.Conv2d) -> None:
        super().__init__()
        self.finders, self.queries = finders, nn.Parameter(8 * torch.eye(3, finders.out_channels))
        self.keys = nn.Linear(finders.out_channels, finders.out_channels, bias=False)
        self.keys.weight.data = 4 * torch.eye(finders.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        tokens = F.max_pool2d(F.relu(self.finders(x)), 4).flatten(2).transpose(1, 2)
        queries = self.queries.expand(len(x), -1, -1)
        read = F.scaled_dot_product_attention(queries, self.keys(tokens), tokens)
        return 10 * torch.diagonal(read, dim1=1, dim2=2)[:, :3]


# --- families ---------------------------------------------------------------------------------------------------------


def _signs_of(drawn: np.ndarray, each: int = 1, weaker: float = 0.0, idle: int = 3) -> Paint:
    """Signs in any places: of the target and of the other class, ``each`` of the ``drawn`` a class (the target's twice, the
    second time ``weaker``, where that is more than 0), and idle ones that no class knows.
    """

    def paint(chance: Generator, target: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        picture, room, truth = ground(chance), Room(chance), np.zeros((SIZE, SIZE), bool)

        def put(sign: np.ndarray, strength: float, counts: bool) -> None:
            place = room.put(SIGN, SIGN)
            draw(picture, sign, place, strength)
            truth[place] |= (sign != 0) & counts

        for k in range(each):
            put(drawn[each * target + k], 0.4, True)
            put(drawn[each * other + k], 0.4, False)
        if weaker:
            put(drawn[each * target], 0.4 - weaker, True)
        for sign in signs(chance, idle, known=drawn):
            put(sign, 0.4, False)
        return picture, truth

    return paint


def spotted(chance: Generator) -> tuple[nn.Module, Paint]:
    """A sign anywhere, by its best match."""
    drawn = signs(chance, 3)
    return _Steps(_finders(chance, drawn), nn.ReLU(), _Pool("most"), _head(chance, 5)), _signs_of(drawn)


def coloured(chance: Generator) -> tuple[nn.Module, Paint]:
    """How much of a colour there is."""
    hues = hues_of(chance)
    opposed = 1.5 * (hues - hues.mean(1, keepdims=True))
    kernels = np.concatenate([opposed, chance.normal(0, 0.3, (4, 3))])[:, :, None, None]
    finders = _convolution(kernels, np.array([-0.35] * 3 + [0.0] * 4))
    network = _Steps(finders, nn.ReLU(), _Pool("mean", 20), _head(chance, 4))
    return network, _two_blobs(lambda which, shape: hues[which][:, None, None] + np.zeros((3, *shape)), saturation=0.2)


def _two_blobs(skin: Callable[[int, tuple[int, int]], np.ndarray], saturation: float) -> Paint:
    """A shape with the skin of the target, and one with that of the other class."""

    def paint(chance: Generator, target: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        picture, room, truth = ground(chance, saturation=saturation), Room(chance), np.zeros((SIZE, SIZE), bool)
        for which in (target, other):
            shape = blob(chance, room.put(*(int(n) for n in chance.integers(12, 20, 2))))
            looks = skin(which, (SIZE, SIZE)) + chance.normal(0, 0.02, (3, SIZE, SIZE))
            picture[:, shape] = looks[:, shape]
            if which == target:
                truth = shape
        return picture, truth

    return paint


def counted(chance: Generator) -> tuple[nn.Module, Paint]:
    """How often a sign is there, and how strong: two of the target and one of another."""
    drawn = signs(chance, 3)
    # Random channels answer everywhere and a sign's in a few places, so that their mean must count for less.
    head = _head(chance, 5, faint=FAINT / 50)
    network = _Steps(_finders(chance, drawn), _normalised(chance, 8), nn.ReLU(), _Pool("mean", 1000), head)
    return network, _signs_of(drawn, weaker=0.04)


def skipping(chance: Generator) -> tuple[nn.Module, Paint]:
    """A sign by its best match, handed on through pooling and skips."""
    drawn = signs(chance, 3)
    network = _Steps(
        _finders(chance, drawn), nn.ReLU(), nn.MaxPool2d(2), _Skip(chance, 8), nn.MaxPool2d(2), _Skip(chance, 8),
        _Pool("most"), _head(chance, 5),
    )  # fmt: skip
    return network, _signs_of(drawn)


def striped(chance: Generator) -> tuple[nn.Module, Paint]:
    """How much of a texture there is: stripes of a direction, found by waves in four phases."""
    angles = chance.uniform(0, np.pi) + np.pi * np.arange(3) / 3
    y, x = np.mgrid[-4:5, -4:5]
    hill = np.exp(-(y**2 + x**2) / 12)
    waves = []
    for angle in angles:
        along = np.cos(angle) * x + np.sin(angle) * y
        for phase in range(4):
            wave = hill * np.cos(2 * np.pi * along / 5 + phase * np.pi / 2)
            wave -= hill * wave.sum() / hill.sum()
            waves.append(wave / (wave**2).sum() / 3)
    kernels = np.repeat(np.stack(waves)[:, None], 3, 1)
    sums = np.kron(np.eye(3), np.ones((1, 4)))[:, :, None, None]
    network = _Steps(
        _convolution(kernels, np.full(12, -0.06)), nn.ReLU(), _convolution(sums, np.full(3, -0.16)), nn.ReLU(),
        nn.AvgPool2d(2), _Pool("mean", 30), _head(chance, 0),
    )  # fmt: skip
    down, across = np.mgrid[:SIZE, :SIZE]

    def skin(which: int, shape: tuple[int, int]) -> np.ndarray:
        along = np.cos(angles[which]) * across + np.sin(angles[which]) * down
        return np.repeat(0.5 + 0.35 * np.cos(2 * np.pi * along / 5)[None], 3, 0)

    return network, _two_blobs(skin, saturation=0.6)


def composed(chance: Generator) -> tuple[nn.Module, Paint]:
    """A sign by its nine blocks: light and dark blocks first, then their order, with normalisation and pooling between."""
    drawn = signs(chance, 3)
    edge = np.zeros((2, 3, 3, 3))
    edge[0], edge[1] = 1 / 27 / 0.4, -1 / 27 / 0.4
    random = chance.normal(0, 0.1, (4, 3, 3, 3))
    blocks = _convolution(np.concatenate([edge, random]), np.concatenate([[-1.25 - 0.3, 1.25 - 0.3], np.zeros(4)]))
    order = np.zeros((3, 6, SIGN, SIGN))
    middle = np.arange(1, SIGN, 3)
    for which, sign in enumerate(drawn):
        at = sign[np.ix_(middle, middle)]
        for r, row in enumerate(middle):
            for c, column in enumerate(middle):
                if at[r, c]:
                    order[which, int(at[r, c] < 0), row, column] = 1 / 8
    order[:, 2:] = FAINT * chance.normal(0, 1, order[:, 2:].shape) / SIGN**2
    network = _Steps(
        blocks, _normalised(chance, 6), nn.ReLU(), _convolution(order, np.full(3, -0.4)), nn.ReLU(),
        nn.MaxPool2d(2), _Pool("most"), _head(chance, 0),
    )  # fmt: skip
    return network, _signs_of(drawn)


def joined(chance: Generator) -> tuple[nn.Module, Paint]:
    """Two signs together, in any places: one alone says nothing."""
    drawn = signs(chance, 6)
    network = _Steps(_finders(chance, drawn), nn.ReLU(), _Both(), _head(chance, 0, 20))
    return network, _signs_of(drawn, each=2, idle=1)


def surroundings(chance: Generator) -> tuple[nn.Module, Paint]:
    """Only the ground: the colour of one side of the picture, whatever stands there."""
    hues = 0.35 + 0.4 * hues_of(chance)
    opposed = 10 * (hues - hues.mean(1, keepdims=True))
    kernels = np.concatenate([opposed, chance.normal(0, 0.3, (4, 3))])[:, :, None, None]
    network = _Steps(
        _convolution(kernels, np.array([-0.3] * 3 + [0.0] * 4)), nn.ReLU(), nn.AvgPool2d(4), nn.GELU(),
        _Pool("mean", 10), _head(chance, 4),
    )  # fmt: skip

    def paint(chance: Generator, target: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        picture, truth = ground(chance, saturation=0.0, shapes=0), np.zeros((SIZE, SIZE), bool)
        across, reach = int(chance.integers(2)), int(chance.integers(14, 24))
        sides = (slice(0, reach), slice(SIZE - reach, SIZE))[:: int(chance.choice([-1, 1]))]
        for which, side in zip((target, other), sides):
            place = (slice(None), side) if across else (side, slice(None))
            part = picture[:, place[0], place[1]]
            part[:] = hues[which][:, None, None] + 0.3 * (part - 0.5)
            truth[place] = which == target
        return picture, truth & ~scatter(chance, picture, 9, grey=True)

    return network, paint


def attending(chance: Generator) -> tuple[nn.Module, Paint]:
    """A sign anywhere, found by attention among the places of a grid."""
    drawn = signs(chance, 3)
    return _Attending(_finders(chance, drawn, noise=2)), _signs_of(drawn)


CALIBRATION = ("spotted", "coloured", "counted", "skipping")
HELD_OUT = ("striped", "composed", "joined", "surroundings", "attending")

FAMILIES: Mapping[str, Callable[[Generator], tuple[nn.Module, Paint]]] = {
    "spotted": spotted, "coloured": coloured, "counted": counted, "skipping": skipping, "striped": striped,
    "composed": composed, "joined": joined, "surroundings": surroundings, "attending": attending,
}  # fmt: skip
