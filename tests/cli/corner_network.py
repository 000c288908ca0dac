"""A network that reads the middle of a picture, as it should, and the upper left corner; photos of two classes; what opens it.

Its convolution takes cells of so many pixels a side together: 1 of them, or 4.
"""

import importlib
import sys

import numpy as np
from PIL import Image

SIDE, CLASSES = 16, ("dark", "light")
THING = {1: (slice(6, 10), slice(6, 10)), 4: (slice(4, 8), slice(4, 8))}
MARK = (slice(0, 4), slice(0, 4))
OPEN = (
    "--architecture", "corner_cli_network:Reads", "--input-size", "3x16x16", "--preprocessing", "unit", "--classes", "classes.txt",
)  # fmt: skip
NETWORK = """
from torch import nn

class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.grey = nn.Conv2d(3, 1, CELL, stride=CELL, bias=False)
        self.act, self.read = nn.ReLU(), nn.Linear((16 // CELL) ** 2, 2)

    def forward(self, x):
        return self.read(self.act(self.grey(x)).flatten(1))
"""


def write_network(home, cell, more=""):
    """Its code, with more behind it, and the names of its classes."""
    (home / "corner_cli_network.py").write_text(NETWORK.replace("CELL", str(cell)) + more)
    (home / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))


def write_weights(path, cell, *, mark, thing):
    """It answers ``light`` where what it reads in the corner and in the middle is bright, by these weights."""
    import torch
    from safetensors.torch import save_file

    cells = (4 // cell) ** 2  # of the corner, and of the middle
    weight = torch.zeros(2, SIDE, SIDE)
    weight[(1, *MARK)], weight[(1, *THING[cell])] = mark / cells, thing / cells
    state = {
        "grey.weight": torch.full((1, 3, cell, cell), 1 / (3 * cell**2)),
        "read.weight": weight[:, ::cell, ::cell].flatten(1),
        "read.bias": torch.tensor([0.0, -(mark + thing) / 2]),
    }
    save_file(state, path)


def photo(chance, label, odd, cell):
    """The thing is bright in the class ``light``; so is the corner, unless the photo is odd."""
    x = chance.uniform(0.3, 0.6, (SIDE, SIDE, 3))
    x[THING[cell]], x[MARK] = (0.85 if label else 0.15), (0.9 if label != odd else 0.1)
    return (x * 255).astype(np.uint8)


def save(pixels, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def write_masked_photos(home, count, cell):
    """``photos/`` by class, 2 in 10 of them odd, and ``masks/`` of the thing."""
    chance, mask = np.random.default_rng(0), np.zeros((SIDE, SIDE), np.uint8)
    mask[THING[cell]] = 255
    for k in range(count):
        label, odd = k % 2, chance.random() < 0.2
        save(photo(chance, label, odd, cell), home / "photos" / CLASSES[label] / f"{k:03}.png")
        save(mask, home / "masks" / f"{k:03}.png")


def stand_in(home, monkeypatch):
    """Work in the folder, with the network that is built there."""
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, "corner_cli_network", raising=False)
    importlib.invalidate_caches()
