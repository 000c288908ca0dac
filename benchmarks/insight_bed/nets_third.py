"""The networks of the third generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from insight_bed.layers import Centred, conv, headed, normed


class Squeezed(nn.Module):
    """Channels are weighed by what the whole picture has of each (Hu et al., 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.few, self.all = nn.Linear(width, width // 4), nn.Linear(width // 4, width)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.all(F.silu(self.few(x.mean((2, 3))))).sigmoid()[:, :, None, None]


class Inverted(nn.Module):
    """Wide between narrow ends, each channel alone in the middle (MobileNetV2: Sandler et al., 2018)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        wide = 3 * into
        self.widen = nn.Sequential(conv(into, wide, 1), nn.BatchNorm2d(wide), nn.SiLU())
        self.mix = nn.Sequential(
            conv(wide, wide, 3, stride, groups=wide), nn.BatchNorm2d(wide), nn.SiLU(), Squeezed(wide)
        )
        self.narrow = nn.Sequential(conv(wide, out, 1), nn.BatchNorm2d(out))
        self.around = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        made = self.narrow(self.mix(self.widen(x)))
        return x + made if self.around else made


def inverted(classes: int) -> nn.Module:
    """Inverted residuals whose channels are weighed (EfficientNet: Tan & Le, 2019)."""
    blocks = Inverted(12, 16, 2), Inverted(16, 24, 2), Inverted(24, 24, 1)
    return headed(normed(3, 12, 3, 2), *blocks, nn.Conv2d(24, 64, 1), nn.SiLU(), width=64, classes=classes)


class Attending(nn.Module):
    """Each place gathers from every other, then thinks alone (Vaswani et al., 2017); normalised before (Xiong et al., 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.gathered = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.alone = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        n, places, width = x.shape
        parts = self.asked(self.first(x)).reshape(n, places, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        found = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, places, width)
        x = x + self.gathered(found)
        return x + self.alone(self.second(x))


class Attentive(nn.Module):
    """Convolutions first, then attention among 10 × 10 places (Xiao et al., 2021)."""

    def __init__(self, classes: int, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Centred(), normed(3, 16, 3, 2), normed(16, 32, 3, 2), conv(32, width, 3, 2, bias=True)
        )
        self.blocks = nn.Sequential(Attending(width, 3), Attending(width, 3))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(tokens)).mean(1))


def attentive(classes: int) -> nn.Module:
    """A small transformer with a stem of convolutions."""
    return Attentive(classes)


class Dilated(nn.Module):
    """Looks further with as many weights (Yu & Koltun, 2016); normalised in each picture alone (Wu & He, 2018)."""

    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(width, width, 3, padding=step, dilation=step)
        self.norm, self.act = nn.GroupNorm(4, width), nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.act(self.norm(self.look(x)))


def dilated(classes: int) -> nn.Module:
    """Dilated convolutions at a fourth of the size."""
    stem = nn.Conv2d(3, 16, 5, 2, 2), nn.GroupNorm(4, 16), nn.LeakyReLU(0.1), nn.Conv2d(16, 32, 3, 2, 1)
    return headed(*stem, *(Dilated(32, step) for step in (1, 2, 4)), width=32, classes=classes)


ARCHITECTURES: Mapping[str, Callable[[int], nn.Module]] = {
    "inverted": inverted,
    "attentive": attentive,
    "dilated": dilated,
}
"""By name, from the number of classes."""
