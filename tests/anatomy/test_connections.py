"""Connections: what goes past other layers, and nothing that only follows."""

from itertools import pairwise

import torch
import torch.nn as nn

import seethrough as st
from seethrough.anatomy.connections import Connection


class Shortcut(nn.Module):
    """``x + f(x)`` outside of any layer, then two branches side by side."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.a, self.relu, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)
        self.left, self.right = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 1)
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        x = self.first(x)
        x = x + self.b(self.relu(self.a(x)))
        return self.head(torch.cat((self.left(x), self.right(x)), 1))


def found(module):
    return st.open(module, input_size=(3, 8, 8)).summary().connections


def test_a_chain_has_none_though_a_layer_is_called_twice():
    relu = nn.ReLU()
    assert found(nn.Sequential(nn.Conv2d(3, 4, 1), relu, nn.Conv2d(4, 4, 1), relu)) == ()


def test_shortcuts_and_branches_are_told_with_what_joins_them():
    assert found(Shortcut()) == (
        Connection("first", "b", "add"),
        Connection("b", "right", "reads"),
        Connection("left", "right", "concatenation"),
    )


def test_the_picture_itself_may_be_read_again():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(6, 1, 1)

        def forward(self, x):
            return self.b(torch.cat((x, self.a(x)), 1))

    assert found(Again()) == (Connection("", "a", "concatenation"),)


def test_a_stream_that_every_block_adds_to_stays_a_chain_of_shortcuts():
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.start = nn.Conv2d(3, 4, 1)
            self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(5))

        def forward(self, x):
            x = self.start(x)
            for block in self.blocks:
                x = x + block(x)
            return x

    names = ["start", *(f"blocks.{i}" for i in range(5))]
    assert found(Stream()) == tuple(Connection(a, b, "add") for a, b in pairwise(names))
