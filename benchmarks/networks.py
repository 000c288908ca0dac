"""Networks for the benchmarks: Keras' own by name, and torch networks built in as many ways as people build them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F

KERAS = (
    "VGG16", "VGG19", "ResNet50", "ResNet50V2", "ResNet152", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet", "MobileNetV2",
    "MobileNetV3Small", "MobileNetV3Large", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny",
)  # fmt: skip


def keras_nested():
    """A functional model with a nested model, separable and transposed convolutions, group normalisation and a skip."""
    import keras

    layers = keras.layers
    inner_in = keras.Input((28, 28, 16))
    y = layers.SeparableConv2D(16, 3, padding="same", activation="relu")(inner_in)
    inner = keras.Model(inner_in, layers.Add()([inner_in, layers.GroupNormalization(4)(y)]), name="inner")
    x = keras.Input((56, 56, 3))
    y = layers.Conv2D(16, 3, strides=2, padding="same", activation="gelu")(x)
    y = inner(inner(y))
    y = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(y)
    y = layers.Concatenate()([y, layers.ZeroPadding2D(1)(layers.Cropping2D(1)(x))])
    y = layers.AveragePooling2D(2)(layers.LeakyReLU()(y))
    return keras.Model(x, layers.Dense(10, activation="softmax")(layers.Flatten()(y)), name="nested")


def vgg(*plan: int | str, classes: int = 1000) -> nn.Module:
    """VGG, sequential, in-place ReLUs."""
    layers: list[nn.Module] = []
    width = 3
    for step in plan or (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"):
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(width, step, 3, padding=1), nn.ReLU(inplace=True)]
            width = step
    head = [
        nn.Linear(width * 49, 4096),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(4096, classes),
    ]
    return nn.Sequential(nn.Sequential(*layers), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Sequential(*head))


class Bottleneck(nn.Module):
    """ResNet's bottleneck; one ReLU used three times, in place."""

    def __init__(self, width: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * inner, 1, bias=False), nn.BatchNorm2d(4 * inner)
        self.relu = nn.ReLU(inplace=True)
        other = stride > 1 or width != 4 * inner
        self.downsample = (
            nn.Sequential(nn.Conv2d(width, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner))
            if other
            else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


def resnet(*depths: int, classes: int = 1000) -> nn.Module:
    """ResNet of bottlenecks: 3, 4, 6, 3 is ResNet-50; 3, 8, 36, 3 is ResNet-152."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    width, stages = 64, []
    for i, depth in enumerate(depths or (3, 4, 6, 3)):
        inner = 64 * 2**i
        blocks = []
        for j in range(depth):
            blocks.append(Bottleneck(width, inner, 2 if i and not j else 1))
            width = 4 * inner
        stages.append(nn.Sequential(*blocks))
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class DenseNet(nn.Module):
    """Concatenation, functional ReLU, average pooling between blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.norms, self.convs = nn.ModuleList(), nn.ModuleList()
        width = 24
        for _ in range(12):
            self.norms.append(nn.BatchNorm2d(width))
            self.convs.append(nn.Conv2d(width, 12, 3, padding=1, bias=False))
            width += 12
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for i, (norm, conv) in enumerate(zip(self.norms, self.convs)):
            x = torch.cat([x, conv(F.relu(norm(x)))], 1)
            if i == 5:
                x = F.avg_pool2d(x, 2)
        return self.head(F.adaptive_avg_pool2d(F.relu(x), 1).flatten(1))


class ShuffleNet(nn.Module):
    """Chunk, channel shuffle by view and transpose, depthwise convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(16, 16, 1),
                nn.ReLU(True),
                nn.Conv2d(16, 16, 3, padding=1, groups=16),
                nn.BatchNorm2d(16),
                nn.Conv2d(16, 16, 1),
            )
            for _ in range(6)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for branch in self.branches:
            a, b = x.chunk(2, 1)
            x = torch.cat([a, branch(b)], 1)
            n, c, h, w = x.size()
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        return self.head(x.mean([2, 3]))


class SqueezeExcite(nn.Module):
    """Gated blocks with hard swish; sizes read from the image."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 32, 32, 3, 1 + i % 2, 1) for i in range(5))
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Conv2d(32, 8, 1), nn.SiLU(), nn.Conv2d(8, 32, 1), nn.Hardsigmoid()) for _ in range(5)
        )
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, gate in zip(self.convs, self.gates):
            x = F.hardswish(conv(x), inplace=True)
            x = x * gate(F.avg_pool2d(x, x.shape[2:]))
        return self.head(x.flatten(2).mean(-1))


class UNet(nn.Module):
    """Down, up by transposed convolution and interpolation, skips; a map for an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 16), (16, 32), (32, 64)))
        self.up, self.join = nn.ConvTranspose2d(64, 32, 2, 2), nn.Conv2d(64, 32, 3, padding=1)
        self.last = nn.Conv2d(48, 5, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        a = F.relu(self.down[0](x))
        b = F.relu(self.down[1](F.max_pool2d(a, 2)))
        c = F.relu(self.down[2](F.max_pool2d(b, 2)))
        y = F.relu(self.join(torch.cat([self.up(c), b], 1)))
        y = F.interpolate(y, size=a.shape[-2:], mode="bilinear", align_corners=False)
        return {"logits": self.last(torch.cat([y, a], 1))}


class VisionTransformer(nn.Module):
    """Class token, position table, torch's own encoder layers."""

    def __init__(self, size: int = 64, patch: int = 8, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True, norm_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.encoder(x)[:, 0])


class WindowAttention(nn.Module):
    """Windows of a shifted grid, attention by matmul and softmax, channels last inside."""

    def __init__(self, width: int = 48, window: int = 4) -> None:
        super().__init__()
        self.embed, self.window = nn.Conv2d(3, width, 4, 4), window
        self.qkv, self.out, self.norm = nn.Linear(width, 3 * width), nn.Linear(width, width), nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        k = self.window
        for shift in (0, k // 2):
            y = torch.roll(self.norm(x), (-shift, -shift), (1, 2))
            y = y.view(b, h // k, k, w // k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, k * k, c)
            q, key, v = self.qkv(y).reshape(-1, k * k, 3, 4, c // 4).permute(2, 0, 3, 1, 4)
            y = ((q @ key.transpose(-2, -1) / (c // 4) ** 0.5).softmax(-1) @ v).transpose(1, 2).reshape(-1, k * k, c)
            y = self.out(y).view(b, h // k, w // k, k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
            x = x + torch.roll(y, (shift, shift), (1, 2))
        return self.head(x.mean((1, 2)))


class Mixer(nn.Module):
    """Tokens mixed by transposes."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 32, 8, 8)
        self.tokens, self.channels = (
            nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64)),
            nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)),
        )
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        for _ in range(3):
            x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
            x = x + self.channels(self.norm(x))
        return self.head(x.mean(1))


class Recurrent(nn.Module):
    """A row of convolution features read by a GRU and an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5, 4, 2)
        self.gru, self.lstm, self.head = (
            nn.GRU(256, 32, batch_first=True),
            nn.LSTM(32, 32, batch_first=True),
            nn.Linear(32, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.tanh(self.conv(x)).permute(0, 2, 1, 3).flatten(2)
        y, _ = self.gru(y)
        y, _ = self.lstm(y)
        return self.head(y[:, -1])


class Shared(nn.Module):
    """One convolution called six times; written in place through views."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.head = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 16, 3, padding=1), nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for _ in range(6):
            y = self.conv(x)
            y[:, :8].mul_(0.5).relu_()
            x = x + y
        return self.head(x.amax((2, 3)))


class Counting(nn.Module):
    """Counts its calls, keeps its last activation, fills a cache."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 16, 3, 2, 1), nn.Linear(16, 10)
        self.register_buffer("calls", torch.zeros(()))
        self.last: torch.Tensor | None = None
        self.grid: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.grid is None:
            self.grid = torch.linspace(0, 1, x.shape[-1])
        self.last = F.elu(self.conv(x + self.grid))
        return self.head(self.last.mean((2, 3)))


TORCH: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "VGG-16": (vgg, (3, 224, 224)),
    "ResNet-50": (resnet, (3, 224, 224)),
    "ResNet-152": (lambda: resnet(3, 8, 36, 3), (3, 224, 224)),
    "DenseNet": (DenseNet, (3, 64, 64)),
    "ShuffleNet": (ShuffleNet, (3, 64, 64)),
    "squeeze and excite": (SqueezeExcite, (3, 64, 64)),
    "U-Net": (UNet, (3, 64, 64)),
    "vision transformer": (VisionTransformer, (3, 64, 64)),
    "window attention": (WindowAttention, (3, 64, 64)),
    "MLP-Mixer": (Mixer, (3, 64, 64)),
    "GRU and LSTM": (Recurrent, (3, 64, 64)),
    "shared, in place": (Shared, (3, 64, 64)),
    "counting, caching": (Counting, (3, 64, 64)),
}
