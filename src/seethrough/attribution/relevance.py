"""Layer-wise relevance propagation, one rule for all layers: the target's value, handed from each operation to what it
was made of, down to the pixels (Bach et al., 2015).

Throughout, the walk starts with the target's value at the outputs in play; a rule says how a linear layer shares what
arrived (`seethrough.graph.relevance`); all else has its place in the table of `seethrough.graph.relevance_flow`. What was
kept of the target is reported as ``conservation``: the map's ``sum``, the ``score``, and their ``ratio``. Biases and the
stabiliser ε absorb relevance, so a ratio of 1 is not promised, and never pretended.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from seethrough.attribution.fills import Fill, fill
from seethrough.attribution.method import Needs, Outcome, method
from seethrough.errors import UsageError
from seethrough.graph import relevance as rules
from seethrough.graph.composite import composite
from seethrough.graph.execute import execute
from seethrough.graph.linear_maps import LinearMap, linear_maps
from seethrough.graph.relevance import EPSILON
from seethrough.graph.relevance_flow import exactly_proportional
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.graph.walk import Piece
from seethrough.results import INPUT, Passes

RELEVANCE = "relevance"
FAR = 0.5
"""A sum that differs from the target by more than this part of it is said with a warning."""

ALIKE: dict[str, Any] = {
    "family": RELEVANCE,
    "needs": Needs.RULES,
    "cost": "1 forward, 1 walk back",
    "rules": None,
    "work": Passes(0, 1),
}
"""What all methods of the family declare."""


@method(good_for="what each pixel adds, to first order; noisy in deep networks", source="Bach et al., 2015", **ALIKE)
def lrp_zero(run: Run) -> Outcome:
    """LRP-0: each input of a layer by its part of the output, ``z_ij / z_j`` (Bach et al., 2015, eq. 56). In a network of
    rectifiers it is input × gradient.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    rule = partial(rules.epsilon, eps=0.0)
    return walked(run, composed(run, "zero", convolution=rule, linear=rule, affine=rule, sums=exactly_proportional))


@method(good_for="what each pixel adds, weak contradictions left out", source="Bach et al., 2015", **ALIKE)
def lrp_epsilon(run: Run, *, epsilon: float = EPSILON) -> Outcome:
    """LRP-ε: LRP-0 with ``ε · sign(z_j)`` added to each denominator, which absorbs what is weak and contradictory (Bach et
    al., 2015, eq. 58).

    Parameters
    ----------
    epsilon
        ε ≥ 0, as a part of each layer's own size: the root mean square of its outputs for the picture. So it means the
        same in every network and every layer.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    return walked(run, _everywhere(run, ("epsilon", eps(epsilon)), partial(rules.epsilon, eps=epsilon)))


@method(good_for="evidence for, with less noise", source="Montavon, Binder, Lapuschkin, Samek & Müller, 2019", **ALIKE)
def lrp_gamma(run: Run, *, gamma: float = 0.25, epsilon: float = EPSILON) -> Outcome:
    """LRP-γ: what speaks for an output counts γ times more than what speaks against it (Montavon et al., 2019, eq. 10.7;
    for inputs of either sign Andéol et al., 2021).

    Parameters
    ----------
    gamma
        γ ≥ 0; 0 is LRP-ε, and the larger, the nearer to z⁺.
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    if gamma < 0:
        raise UsageError(f"lrp_gamma needs gamma ≥ 0, not {gamma:g}.")
    rule = partial(rules.gamma, favour=gamma, eps=eps(epsilon))
    return walked(run, _everywhere(run, ("gamma", gamma, epsilon), rule))


@method(good_for="evidence for and against, weighed apart", source="Bach et al., 2015", **ALIKE)
def lrp_alpha_beta(run: Run, *, alpha: float = 2.0, beta: float = 1.0, epsilon: float = EPSILON) -> Outcome:
    """LRP-αβ: what speaks for an output shares α times its relevance, what speaks against it −β times (Bach et al., 2015,
    eq. 60). In deep networks β > 0 adds up: relevance of both signs grows from layer to layer.

    Parameters
    ----------
    alpha, beta
        ``α − β = 1``, β ≥ 0.
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    if beta < 0 or abs(alpha - beta - 1) > 1e-6:
        raise UsageError(f"lrp_alpha_beta needs alpha − beta = 1 and beta ≥ 0, not alpha={alpha:g}, beta={beta:g}.")
    rule = partial(rules.alpha_beta, alpha=alpha, beta=beta, eps=eps(epsilon))
    return walked(run, _everywhere(run, ("alpha_beta", alpha, beta, epsilon), rule))


@method(good_for="evidence for alone, coarse and steady", source="Montavon et al., 2017", **ALIKE)
def lrp_z_plus(run: Run, *, epsilon: float = EPSILON, bias: bool = True) -> Outcome:
    """LRP-z⁺: only what speaks for an output shares its relevance (Montavon et al., 2017, eq. 12); α₁β₀.

    Parameters
    ----------
    epsilon
        As for `lrp_epsilon`.
    bias
        Whether the biases absorb their part, as in Bach et al. (2015). False: the inputs share it, and the map sums to
        more of the target.

    Returns
    -------
    Tensor, (N, C, H, W), of the target's sign where the network's rectifiers leave it so, in units of the target; with
    ``conservation``.
    """
    return walked(run, _everywhere(run, ("z_plus", bias, eps(epsilon)), partial(rules.z_plus, eps=epsilon, bias=bias)))


@method(good_for="which pixels count, given the range that pixels have", source="Montavon et al., 2017", **ALIKE)
def lrp_z_box(run: Run, *, low: Fill = "black", high: Fill = "white", epsilon: float = EPSILON) -> Outcome:
    """LRP-z𝓑 at the first layer, whose inputs are pixels between a lowest and a highest value (Montavon et al., 2017,
    eq. 14), and LRP-ε above.

    Parameters
    ----------
    low, high
        The least and the largest value that a pixel can have, as the network sees it: by default black and white; where
        nobody knows the preprocessing, each picture's own extremes, channel by channel. Else as `integrated_gradients`
        takes baselines.
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    rule = partial(rules.epsilon, eps=eps(epsilon))
    return walked(run, composed(run, None, convolution=rule, linear=rule, first=box(run, low, high, epsilon)))


@method(good_for="which pixels the weights look at", source="Montavon et al., 2017", **ALIKE)
def lrp_w_square(run: Run, *, epsilon: float = EPSILON) -> Outcome:
    """LRP-w²: each input by the square of its weight, whatever it is (Montavon et al., 2017, eq. 13).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    return walked(run, _everywhere(run, ("w_square", eps(epsilon)), partial(rules.w_square, eps=epsilon)))


@method(good_for="where the answer looks at all, evenly", source="Lapuschkin et al., 2019", **ALIKE)
def lrp_flat(run: Run) -> Outcome:
    """LRP-flat: evenly among all inputs that an output sees (Lapuschkin et al., 2019): where the answer looks, layer by
    layer, and nothing else.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    return walked(run, _everywhere(run, "flat", rules.flat))


# --- what they share --------------------------------------------------------------------------------------------------


def walked(run: Run, rules: Rules, checks: dict[str, Any] | None = None) -> Outcome:
    """The relevance of the pixels under these rules, and what was kept of the target."""
    return Outcome(values := run.gradient(INPUT, rules), {"conservation": conservation(run, values), **(checks or {})})


def conservation(run: Run, values: Tensor) -> dict[str, Any]:
    """What arrived beside what was sent, a number a picture."""
    arrived, score = values.flatten(1).double().sum(1), run.scores.double()
    # Of a target that is 0, all or nothing was kept.
    ratio = torch.where(score == 0, (arrived == 0).double(), arrived / torch.where(score == 0, 1, score))
    levels = ["info" if abs(r - 1) <= FAR else "warning" for r in ratio.tolist()]
    return {"sum": arrived.tolist(), "score": score.tolist(), "ratio": ratio.tolist(), "level": levels}


def composed(run: Run, key: Any, **layers: Any) -> Rules:
    """A composite for this run's graph; its linear maps are had once."""
    _ = (
        run.pieces
    )  # so that the forward whose graph is read is the one that is walked back: from the images, numbers kept
    graph = run.graph

    def make() -> Rules:
        maps = run.once(("linear maps", graph), lambda: linear_maps(graph))
        return composite(graph, maps=maps, **layers)

    return make() if key is None else run.once(("relevance", key, graph), make)


def eps(epsilon: float) -> float:
    """An ε that can be one.

    Raises
    ------
    UsageError
        Where it is negative or no number.
    """
    if not epsilon >= 0:
        raise UsageError(f"LRP needs epsilon ≥ 0, not {epsilon:g}.")
    return epsilon


def box(run: Run, low: Fill, high: Fill, epsilon: float) -> rules.LayerRule:
    """The rule z𝓑 between two pictures, each brought to what a first layer is given."""
    x = run.beside
    each = tuple(range(2, x.dim())) or (1,)
    unknown = run.black is None or run.white is None
    own = {"black": x.amin(each, keepdim=True), "white": x.amax(each, keepdim=True)} if unknown else {}
    edges = [(own[e] if isinstance(e, str) and e in own else fill(run, e)).expand_as(x) for e in (low, high)]

    def rule(layer: LinearMap, piece: Piece, relevance: Tensor) -> Tensor:
        at = [execute(run.graph, {run.graph.input.value: edge}, [layer.data])[layer.data] for edge in edges]
        return rules.z_box(layer, piece, relevance, low=torch.minimum(*at), high=torch.maximum(*at), eps=eps(epsilon))

    return rule


def _everywhere(run: Run, key: Any, rule: rules.LayerRule) -> Rules:
    return composed(run, key, convolution=rule, linear=rule, affine=rule)
