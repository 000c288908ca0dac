"""Excitation backprop and deep Taylor decomposition: the answer's relevance, handed down to what excites, and never to
what inhibits. For networks of rectifiers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from seethrough.attribution.method import Needs, Outcome, method
from seethrough.attribution.relevance import ALIKE, RELEVANCE, box, conservation
from seethrough.graph.excitation import excitation
from seethrough.graph.linear_maps import LinearMap, linear_maps
from seethrough.graph.relevance import LayerRule, w_square
from seethrough.graph.rules import Rules
from seethrough.graph.run import Run
from seethrough.results import INPUT, Passes


@method(
    family=RELEVANCE,
    needs=Needs.LAYER,
    cost="2 forwards, 1 walk back to the layer",
    good_for="where what excites the answer lies, at a layer in the middle",
    source="Zhang, Lin, Brandt, Shen & Sclaroff, 2016",
    rules=None,
    work=Passes(1, 1),
    measures="rank",
)
def excitation_backprop(run: Run, layer: str) -> Tensor:
    """Excitation backprop: the probability that a unit wins, when the answer passes its own on to those that excite it, and
    they to those below: ``P_i = a_i Σ_j w_ij⁺ / (Σ_i a_i w_ij⁺) P_j`` (Zhang et al., 2016, eq. 5). The same mathematics as
    LRP-α₁β₀ without biases (Bach et al., 2015).

    Returns
    -------
    Tensor, (N, C, H, W), at the layer; summed over a picture at most 1, the slope of the target at its output (of a
    contrast the second has −1).

    Raises
    ------
    NetworkRefused
        A network with other activations than rectifiers, or with attention.
    """
    return run.gradient(layer, _rules(run, "excitation_backprop"))


@method(
    family=RELEVANCE,
    needs=Needs.LAYER,
    cost="2 forwards, 1 walk back to the layer",
    good_for="where what excites this answer and no other lies",
    source="Zhang, Lin, Brandt, Shen & Sclaroff, 2016",
    rules=None,
    signed=False,
    work=Passes(1, 1),
    measures="rank",
)
def contrastive_excitation_backprop(run: Run, layer: str) -> Tensor:
    """Contrastive excitation backprop (c-MWP): the winning probability less that of the dual unit, whose weights have the
    other sign, both taken below the last layer and handed down together (Zhang et al., 2016, section 3.3).

    Returns
    -------
    Tensor, (N, 1, H, W), at the layer, summed over its channels, ≥ 0: what is below zero there speaks for the dual. Of a
    layer without places (N, F).

    Raises
    ------
    NetworkRefused
        As for `excitation_backprop`; a network whose answer isn't that of a linear layer.
    """
    found = run.gradient(layer, _rules(run, "contrastive_excitation_backprop", contrast=True))
    return (found.sum(1, keepdim=True) if found.dim() > 2 else found).clamp(min=0)


@method(
    **ALIKE,
    signed=False,
    good_for="which pixels the answer stands on, steady and without contradictions",
    source="Montavon, Lapuschkin, Binder, Samek & Müller, 2017",
)
def deep_taylor(run: Run, *, bounded: bool | None = None) -> Outcome:
    """Deep Taylor decomposition: each unit's relevance by the first term of a Taylor expansion at a root of it (Montavon et
    al., 2017): z⁺ between rectified units (eq. 12), z𝓑 at pixels between black and white (eq. 14), w² at an input without
    bounds (eq. 13). Nothing goes to biases: all of the answer arrives, but for units that nothing excites. The expansion
    has a root to stand on where biases are at most zero (section 4); of how many that holds is reported as
    ``taylor_biases``.

    Parameters
    ----------
    bounded
        Whether the input has bounds; None where black and white are known.

    Returns
    -------
    Tensor, (N, C, H, W), ≥ 0, in units of the target; 0 where the target isn't above zero, since there is nothing to
    share then.

    Raises
    ------
    NetworkRefused
        As for `excitation_backprop`.
    """
    has_bounds = (run.black is not None and run.white is not None) if bounded is None else bounded
    first = box(run, "black", "white", 0.0) if has_bounds else w_square
    values = run.gradient(INPUT, _rules(run, "deep_taylor", first=first, start=_above_zero))
    biases = [b.flatten() for b in (one.bias for one in _maps(run)) if b is not None]
    above = sum(int((b > 0).sum()) for b in biases)
    known = {"above": above, "biases": sum(b.numel() for b in biases)}
    return Outcome(values, {"conservation": conservation(run, values), "taylor_biases": known})


def _above_zero(run: Run) -> Tensor:
    """What the outputs in play add to the target, where that is above zero."""
    out = run.forward.values[run.answer_value]
    return (run.slope(out) * out).clamp(min=0)


def _maps(run: Run) -> list[LinearMap]:
    return run.once("linear maps", lambda: linear_maps(run.graph))


def _rules(
    run: Run,
    name: str,
    *,
    contrast: bool = False,
    first: LayerRule | None = None,
    start: Callable[[Run], Tensor] | None = None,
) -> Rules:
    return run.once(
        ("excitation", name, first is w_square),
        lambda: replace(excitation(run.graph, _maps(run), name, contrast, first), start=start),
    )
