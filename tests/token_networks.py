"""Little transformers, written here: tokens in every order, class and register tokens, windows that are shifted."""

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads=2):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(width), Attention(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Patches of 4, ``extra`` tokens in front of them; answers from the first token or from the mean of the patches."""

    def __init__(self, extra=1, mean=False, width=8, classes=5, side=(24, 16), depth=3):
        super().__init__()
        self.extra, self.mean = extra, mean
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.tokens = nn.Parameter(torch.randn(1, extra, width))
        self.position = nn.Parameter(torch.randn(1, extra + side[0] // 4 * (side[1] // 4), width))
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.tokens.expand(len(x), -1, -1), x], 1) + self.position
        x = self.norm(self.blocks(x))
        return self.head(x[:, self.extra :].mean(1) if self.mean else x[:, 0])


class WindowBlock(nn.Module):
    """Attention in windows of 3 × 3, of a map (N, H, W, C) turned round by ``shift``."""

    def __init__(self, width, shift):
        super().__init__()
        self.shift, self.norm, self.attn = shift, nn.LayerNorm(width), Attention(width)

    def forward(self, x):
        n, h, w, c = x.shape
        y = F.pad(self.norm(x), (0, 0, 0, -w % 3, 0, -h % 3))
        rows, columns = y.shape[1:3]
        y = y.roll((-self.shift, -self.shift), (1, 2))
        y = y.view(n, rows // 3, 3, columns // 3, 3, c).transpose(2, 3).reshape(-1, 9, c)
        y = self.attn(y)
        y = y.view(n, rows // 3, columns // 3, 3, 3, c).transpose(2, 3).reshape(n, rows, columns, c)
        return x + y.roll((self.shift, self.shift), (1, 2))[:, :h, :w]


class Swin(nn.Module):
    """Two blocks of windows, four neighbours merged, two more."""

    def __init__(self, width=8, classes=5):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 2, 2)
        self.stage1 = nn.Sequential(WindowBlock(width, 0), WindowBlock(width, 1))
        self.merge = nn.Linear(4 * width, 2 * width)
        self.stage2 = nn.Sequential(WindowBlock(2 * width, 0), WindowBlock(2 * width, 1))
        self.norm, self.head = nn.LayerNorm(2 * width), nn.Linear(2 * width, classes)

    def forward(self, x):
        x = self.stage1(self.patches(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        return self.head(self.norm(self.stage2(self.merge(x))).mean((1, 2)))


class ClassAttention(nn.Module):
    """Patches among themselves first; then a class token asks them, by keys and values of its own making (CaiT)."""

    def __init__(self, width=8, classes=5):
        super().__init__()
        self.patches, self.block = nn.Conv2d(3, width, 4, 4), Block(width)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.block(self.patches(x).flatten(2).transpose(1, 2))
        token = self.token.expand(len(x), -1, -1)
        both = self.norm(torch.cat([token, x], 1))
        asked = F.scaled_dot_product_attention(self.query(both[:, :1]), self.key(both), self.value(both))
        return self.head((token + asked)[:, 0])


class EveryOrder(nn.Module):
    """The same 24 places as tokens first, tokens last, in heads, in windows, alone with their mean, and flattened."""

    def __init__(self, width=8):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        names = (
            "tokens sequence_first channels_first heads windows windows_inside merged shifted_sum weights flat".split()
        )
        for name in names:
            self.add_module(name, nn.Identity())
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        m = self.patches(x)
        n, c, h, w = m.shape
        tokens = self.tokens(m.flatten(2).transpose(1, 2) * 2)
        first = self.sequence_first(tokens.transpose(0, 1) * 3)
        last = self.channels_first(first.permute(1, 2, 0) * 4)
        heads = self.heads(tokens.reshape(n, h * w, 2, c // 2).transpose(1, 2) * 5)
        cut = tokens.reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5)
        windows = self.windows(cut.reshape(-1, 4, c) * 6)
        inside = self.windows_inside(cut.permute(3, 4, 0, 1, 2, 5).reshape(4 * n, -1, c) * 7)
        merged = self.merged(F.layer_norm(cut.reshape(n, h // 2, w // 2, 4 * c), (4 * c,)))
        mixed = self.shifted_sum(tokens + tokens.roll(1, 1))
        weights = self.weights(heads @ heads.transpose(-2, -1))
        flat = self.flat(m.flatten(1) * 8)
        rest = first.mean() + last.mean() + heads.mean() + windows.mean() + inside.mean() + merged.mean()
        return self.head(tokens.mean(1)) + rest + mixed.mean() + weights.mean() + flat.mean()
