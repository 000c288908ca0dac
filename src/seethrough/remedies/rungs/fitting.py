"""Fitting: a last layer learned anew on features that are there already, of the classes that pictures belong to alone.

Features are brought to mean 0 and width 1 first, so that a strength means the same for every network. A pull keeps the layer
near the network's own, or near 0. Of C rows that are learned the mean stays what it was, since neither the likelihood nor the
pull moves it.

Beside the likelihood a layer may pay for what tells versions of the same picture apart (counterfactual logit pairing: Garg et al., AIES
2019): what differs between them is what was exchanged and not what the picture is about, whichever class they belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import logsumexp
from torch import Tensor

from seethrough.remedies.rung import Edit, Ward
from seethrough.remedies.weights import Head, head

STEPS = 300
LARGEST_SCALE = 30.0


@dataclass(frozen=True, eq=False)
class Linear:
    """Logits of C classes as ``features @ weight.T + bias``.

    Attributes
    ----------
    weight, bias
        float64 (C, D) and (C,).
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, features: NDArray) -> NDArray[np.float64]:
        return features @ self.weight.T + self.bias


@dataclass(frozen=True, eq=False)
class Last:
    """A network's last layer, and which of its rows are learned.

    Attributes
    ----------
    head
        Where it is found in the network.
    rows
        int64 (C,): the outputs that pictures belong to.
    whole
        All K rows, as they are; of a single output two.
    mean, spread
        float64 (D,): of the features of the pictures to learn from. The mean is 0 where the layer has no bias, which would
        have to make up for it.
    """

    head: Head
    rows: NDArray[np.int64]
    whole: Linear
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def own(self) -> Linear:
        """The rows that are learned, as they are."""
        return Linear(self.whole.weight[self.rows], self.whole.bias[self.rows])

    @property
    def has_bias(self) -> bool:
        """Whether the layer has one."""
        return self.head.bias is not None

    def places(self, classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each output its place among the rows that are learned."""
        return np.searchsorted(self.rows, classes)

    def put(self, learned: Linear, features: NDArray) -> Linear:
        """All K rows with those that were learned. Where there are others, what was learned is made as strong, and lies as
        high, as it did among them: the mean of the learned rows is their own, and the mean over pictures of the logarithm of
        their summed exponentials, which decides with the others, is what it was. So no other output wins or loses.

        Parameters
        ----------
        features
            (n, D), of the pictures to learn from as they are.
        """
        weight, bias = self.whole.weight.copy(), self.whole.bias.copy()
        if len(self.rows) < len(weight):
            learned = _as_high(learned, self.own, features, self.has_bias)
        weight[self.rows], bias[self.rows] = learned.weight, learned.bias
        return Linear(weight, bias)

    def edit(self, whole: Linear) -> Edit:
        """The change that it is."""
        return Edit(weights=self.head.weights(as_tensor(whole.weight), as_tensor(whole.bias)))


def last_of(ward: Ward) -> Last | None:
    """The network's last layer; None where there is none that can be changed."""
    found = head(ward.canvas.net, ward.facts)
    if found is None:
        return None
    weight, bias = (t.double().numpy() for t in found.read())
    learn = ward.facts.features[ward.learn].astype(np.float64)
    label = ward.facts.classes[ward.learn]
    spread = learn.std(0)
    spread = np.where(spread > 1e-4 * max(float(spread.max(initial=0.0)), 1e-12), spread, 1.0)
    mean = learn.mean(0) if found.bias is not None else np.zeros(learn.shape[1])
    return Last(found, np.unique(label[label >= 0]), Linear(weight, bias), mean, spread)


def fitted(
    last: Last,
    features: NDArray[np.float32],
    places: NDArray[np.int64],
    weights: NDArray,
    *,
    pull: float,
    towards: Linear | None,
    sparse: bool = False,
    apart: NDArray[np.float32] | None = None,
    steady: float = 0.0,
) -> Linear:
    """The last layer that makes weighted pictures likeliest: ``Σ wᵢ · cross-entropyᵢ + pull/2 · |V − V₀|²``, V its weights on
    features of width 1; or ``… + pull · |V|₁``. And ``+ steady/2 · mean |zⱼ|²``, zⱼ = V dⱼ less the mean over its rows.

    Parameters
    ----------
    places
        (n,): the class of each picture, as its place among the rows.
    weights
        (n,), ≥ 0; they are made to add up to 1.
    towards
        V₀; None for 0.
    sparse
        The sum of absolute values instead; then it is towards 0.
    apart
        float32 (m, D): by what versions of the same picture differ (`within`), dⱼ.
    steady
        What it costs that the layer tells them apart.
    """
    x = ((features - last.mean) / last.spread).astype(np.float32)
    share = np.asarray(weights, np.float64) / np.sum(weights)
    rows, width = len(last.rows), x.shape[1]
    start = _standardised(last, towards) if towards is not None else np.zeros((rows, width + 1))
    anchor = start.copy()
    hit = np.zeros((len(x), rows))
    hit[np.arange(len(x)), places] = 1
    free = np.ones((rows, width + 1))
    free[:, -1] = last.has_bias

    def likelihood(v: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ v[:, :-1].T.astype(np.float32) + v[:, -1]
        logs = z - height(z)[:, None]
        off = share[:, None] * (np.exp(logs) - hit)
        slope = np.concatenate([(off.T.astype(np.float32) @ x).astype(np.float64), off.sum(0)[:, None]], 1)
        value = -float((share[:, None] * hit * logs).sum())
        if steady and apart is not None and len(apart):
            told = apart @ (v[:, :-1] - v[:, :-1].mean(0)).T.astype(np.float32)
            value += steady / 2 * float(np.square(told, dtype=np.float64).sum(1).mean())
            slope[:, :-1] += steady / len(apart) * (told.T @ apart)
        return value, slope * free

    found = _sparsely(likelihood, start, pull) if sparse else _smoothly(likelihood, start, anchor, pull)
    weight = found[:, :-1] / last.spread
    return Linear(weight, found[:, -1] - weight @ last.mean)


def within(last: Last, features: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """How far features of width 1 lie from their mean over all versions of the same picture, float32 (m, D); pictures of which there
    is one version are left out.

    Parameters
    ----------
    numbers
        int64 (n,): the picture that each is a version of.
    """
    _, picture, count = np.unique(numbers, return_inverse=True, return_counts=True)
    several = count[picture] > 1
    x = ((features[several] - last.mean) / last.spread).astype(np.float32)
    picture = picture[several]
    mean = np.zeros((len(count), x.shape[1]), np.float32)
    np.add.at(mean, picture, x)
    return (x - (mean / np.maximum(count, 1)[:, None])[picture]).astype(np.float32)


Likelihood = Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]


def _smoothly(likelihood: Likelihood, start: NDArray, anchor: NDArray, pull: float) -> NDArray[np.float64]:
    def cost(flat: NDArray) -> tuple[float, NDArray]:
        v = flat.reshape(start.shape)
        value, slope = likelihood(v)
        away = v - anchor
        away[:, -1] = 0  # the bias is free
        return value + pull / 2 * float((away**2).sum()), (slope + pull * away).ravel()

    return minimize(cost, start.ravel(), jac=True, method="L-BFGS-B", options=_OPTIONS).x.reshape(start.shape)


def _sparsely(likelihood: Likelihood, start: NDArray, pull: float) -> NDArray[np.float64]:
    """As the difference of two parts above 0, whose sum is what costs."""
    price = np.full(start.shape, pull)
    price[:, -1] = 0

    def cost(flat: NDArray) -> tuple[float, NDArray]:
        above, below = flat.reshape(2, *start.shape)
        value, slope = likelihood(above - below)
        return value + float((price * (above + below)).sum()), np.stack([slope + price, price - slope]).ravel()

    both = np.stack([np.maximum(start, 0), np.maximum(-start, 0)]).ravel()
    bounds = [(0, None)] * both.size
    found = minimize(cost, both, jac=True, method="L-BFGS-B", bounds=bounds, options=_OPTIONS).x
    above, below = found.reshape(2, *start.shape)
    return above - below


_OPTIONS = {"maxiter": STEPS, "maxcor": 12}


def _standardised(last: Last, layer: Linear) -> NDArray[np.float64]:
    """Weights and bias on features of mean 0 and width 1, (C, D + 1)."""
    return np.concatenate([layer.weight * last.spread, (layer.bias + layer.weight @ last.mean)[:, None]], 1)


def _as_high(learned: Linear, own: Linear, features: NDArray, has_bias: bool) -> Linear:
    centre, own_centre = (Linear(each.weight.mean(0), each.bias.mean(0)) for each in (learned, own))
    apart = Linear(learned.weight - centre.weight, learned.bias - centre.bias)
    z, level = apart(features), features @ own_centre.weight + own_centre.bias
    wanted = float(height(own(features)).mean())

    def over(scale: float) -> float:
        return float((height(scale * z) + level).mean()) - wanted

    # at 0 all classes are alike, and nothing lies lower; the sum grows with what tells them apart
    scale = brentq(over, 0.0, LARGEST_SCALE) if over(0.0) < 0 < over(LARGEST_SCALE) else 1.0
    assert isinstance(scale, float)
    shift = -over(scale) if has_bias else 0.0
    return Linear(scale * apart.weight + own_centre.weight, scale * apart.bias + own_centre.bias + shift)


def height(logits: NDArray) -> NDArray[np.float64]:
    """The logarithm of the summed exponentials of each row, (n,)."""
    return np.asarray(logsumexp(logits, axis=1))


def as_tensor(array: NDArray) -> Tensor:
    """float32."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
