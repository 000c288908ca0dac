"""Networks that a summary has to get right, and how they are read."""

import torch
import torch.nn as nn
from torch.nn import functional as F

from seethrough.graph.canonical import canonical
from seethrough.graph.fakes import fake_tensors
from seethrough.graph.record import record
from seethrough.graph.unite import unite


def written_down(opened, *, canonically=True):
    """The graph of an opened network at its input size."""
    example, mode = torch.zeros(1, *opened.input_size), fake_tensors()
    recordings = [
        record(opened.module, opened.module, example, batch=b, paths=opened.paths, fake_mode=mode) for b in (2, 3)
    ]
    graph = unite(recordings, layout=opened.layout)
    return canonical(graph) if canonically else graph


class Mixed(nn.Module):
    """Called twice, registered twice, tied, frozen, never called, functional: all that makes a summary lie."""

    def __init__(self):
        super().__init__()
        self.stem, self.relu = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.again = self.conv
        self.norm = nn.BatchNorm2d(8)
        self.dead = nn.Linear(4, 4)
        self.head, self.tied = nn.Linear(8, 8, bias=False), nn.Linear(8, 8)
        self.tied.weight = self.head.weight
        self.scale = nn.Parameter(torch.ones(5, 1))
        self.stem.requires_grad_(False)

    def forward(self, x):
        x = self.relu(self.norm(self.again(self.conv(self.relu(self.stem(x))))))
        x = F.max_pool2d(x, 2).mean((2, 3))
        return {"logits": self.tied(self.head(x)) * self.scale[0], "features": x}


class Encoder(nn.Module):
    """Patches, a few alike transformer layers, a head."""

    def __init__(self, depth=6):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.layers = nn.Sequential(*[nn.TransformerEncoderLayer(16, 4, 32, batch_first=True) for _ in range(depth)])
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.layers(self.patches(x).flatten(2).transpose(1, 2)).mean(1))
