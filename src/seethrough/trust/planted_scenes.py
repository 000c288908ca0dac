"""Scenes for planted truth: mottled ground, shapes with strong edges that mean nothing, and what is put where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

SIZE = 56
"""Height and width of the pictures in pixels."""

SIGN = 9
"""Height and width of a drawn sign."""

Paint = Callable[[Generator, int, int], tuple[np.ndarray, np.ndarray]]
"""From chance, the target and the other class to a picture (3, H, W) and its truth, bool (H, W)."""


def ground(chance: Generator, *, saturation: float = 1.0, shapes: int = 6) -> np.ndarray:
    """A mottled ground with shapes on it that mean nothing and have strong edges, (3, H, W)."""
    rough = torch.from_numpy(chance.uniform(0.3, 0.7, (1, 3, 4, 4)))
    picture = F.interpolate(rough, (SIZE, SIZE), mode="bicubic", align_corners=False)[0].numpy()
    scatter(chance, picture, shapes)
    grey = picture.mean(0, keepdims=True)
    return grey + saturation * (picture - grey) + chance.normal(0, 0.02, picture.shape)


def scatter(chance: Generator, picture: np.ndarray, shapes: int, *, grey: bool = False) -> np.ndarray:
    """Put shapes of any colour, or of any grey, onto a picture; returns where they are, bool (H, W)."""
    y, x = np.mgrid[:SIZE, :SIZE]
    covered = np.zeros((SIZE, SIZE), bool)
    for _ in range(shapes):
        cy, cx, ry, rx = *chance.uniform(0, SIZE, 2), *chance.uniform(3, 9, 2)
        down, across = np.abs(y - cy) / ry, np.abs(x - cx) / rx
        inside = np.maximum(down, across) < 1 if chance.random() < 0.5 else down**2 + across**2 < 1
        colour = chance.uniform(0.1, 0.9, 3)
        picture[:, inside] = np.full((3, 1), colour[0]) if grey else colour[:, None]
        covered |= inside
    return covered


class Room:
    """Where things may still be put into a picture."""

    def __init__(self, chance: Generator) -> None:
        self.chance, self.taken = chance, np.zeros((SIZE, SIZE), bool)

    def put(self, height: int, width: int, gap: int = 2) -> tuple[slice, slice]:
        """A free rectangle; somewhere where none is found soon."""
        rows = columns = slice(0, 0)
        for _ in range(200):
            top, left = (int(self.chance.integers(gap, SIZE - n - gap)) for n in (height, width))
            rows, columns = slice(top, top + height), slice(left, left + width)
            if not self.taken[max(0, top - gap) : top + height + gap, max(0, left - gap) : left + width + gap].any():
                break
        self.taken[rows, columns] = True
        return rows, columns


def signs(chance: Generator, number: int, known: np.ndarray | None = None) -> np.ndarray:
    """Signs of 0 and ±1 that have little in common with each other and with known ones, (number, SIGN, SIGN): blocks of
    three pixels, as many dark as light.
    """
    blocks = SIGN // 3
    found: list[np.ndarray] = [] if known is None else list(known)
    wanted = len(found) + number
    while len(found) < wanted:
        flat = np.array([1.0] * 4 + [-1.0] * 4 + [0.0])
        sign = np.kron(chance.permutation(flat).reshape(blocks, blocks), np.ones((3, 3)))
        if all((sign * other).sum() < 0.4 * (sign**2).sum() for other in found):
            found.append(sign)
    return np.stack(found[wanted - number :])


def draw(picture: np.ndarray, sign: np.ndarray, place: tuple[slice, slice], strength: float = 0.4) -> None:
    """Draw a sign in light and dark, on grey."""
    picture[:, place[0], place[1]] = 0.5 + strength * sign


def blob(chance: Generator, place: tuple[slice, slice]) -> np.ndarray:
    """A rounded shape that fills a place, bool (H, W)."""
    y, x = np.mgrid[:SIZE, :SIZE]
    (top, bottom), (left, right) = ((s.start, s.stop) for s in place)
    power = chance.choice([2.0, 4.0])
    ry, rx = (bottom - top) / 2, (right - left) / 2
    return np.abs((y - top - ry + 0.5) / ry) ** power + np.abs((x - left - rx + 0.5) / rx) ** power < 1


def hues_of(chance: Generator) -> np.ndarray:
    """Three colours as different as can be, (3, 3) in 0…1."""
    return np.where(np.eye(3, dtype=bool), chance.uniform(0.8, 0.95), chance.uniform(0.1, 0.2))[chance.permutation(3)]
