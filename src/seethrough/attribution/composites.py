"""Composites of layer-wise relevance propagation: the rule that suits a layer's depth (Montavon et al., 2019, section
10.3; Kohlbrenner et al., 2020).

Linear layers near the answer take LRP-ε; convolutions a rule that prefers what speaks for an output; the first layer one
that says where, not how bright. See `seethrough.attribution.relevance` for what all of them report.
"""

from __future__ import annotations

from functools import partial

from seethrough.attribution.attnlrp import attnlrp
from seethrough.attribution.fills import Fill
from seethrough.attribution.method import Outcome, method
from seethrough.attribution.relevance import ALIKE, box, composed, eps, walked
from seethrough.graph import relevance as rules
from seethrough.graph.attention import has_attention
from seethrough.graph.relevance import EPSILON
from seethrough.graph.run import Run

KOHLBRENNER = "Kohlbrenner, Bauer, Nakajima, Binder, Samek & Lapuschkin, 2020"


@method(good_for="which parts speak for the answer", source=KOHLBRENNER, **ALIKE)
def lrp_epsilon_plus(run: Run, *, epsilon: float = EPSILON, bias: bool = True) -> Outcome:
    """LRP-EpsilonPlus: z⁺ in convolutions, ε in linear layers (Kohlbrenner et al., 2020).

    Parameters
    ----------
    epsilon
        As for `lrp_epsilon`.
    bias
        Whether the biases of convolutions absorb their part, as in the paper. False: the inputs share it, and the map
        sums to more of the target.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    low, high = partial(rules.z_plus, eps=eps(epsilon), bias=bias), partial(rules.epsilon, eps=epsilon)
    return walked(run, composed(run, ("plus", bias, epsilon), convolution=low, linear=high))


@method(good_for="which parts speak for the answer; the steadiest of the family", source=KOHLBRENNER, **ALIKE)
def lrp_epsilon_plus_flat(run: Run, *, epsilon: float = EPSILON, bias: bool = True) -> Outcome:
    """LRP-EpsilonPlusFlat: z⁺ in convolutions, ε in linear layers, flat in the first layer (Kohlbrenner et al., 2020).

    Parameters
    ----------
    epsilon
        As for `lrp_epsilon`.
    bias
        As for `lrp_epsilon_plus`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target, the same in all channels; with ``conservation``.
    """
    low, high = partial(rules.z_plus, eps=eps(epsilon), bias=bias), partial(rules.epsilon, eps=epsilon)
    return walked(run, composed(run, ("plus", "flat", bias, epsilon), convolution=low, linear=high, first=rules.flat))


@method(
    good_for="which parts speak for and against the answer",
    source="Montavon, Binder, Lapuschkin, Samek & Müller, 2019",
    **ALIKE,
)
def lrp_epsilon_gamma_box(
    run: Run, *, gamma: float = 0.25, low: Fill = "black", high: Fill = "white", epsilon: float = EPSILON
) -> Outcome:
    """LRP-EpsilonGammaBox: γ in convolutions, ε in linear layers, z𝓑 in the first layer (Montavon et al., 2019).

    Parameters
    ----------
    gamma
        γ ≥ 0, see `lrp_gamma`.
    low, high
        The range of a pixel, see `lrp_z_box`.
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    middle = partial(rules.gamma, favour=gamma, eps=eps(epsilon))
    above, first = partial(rules.epsilon, eps=epsilon), box(run, low, high, epsilon)
    return walked(run, composed(run, None, convolution=middle, linear=above, first=first))


@method(good_for="evidence for and against; shallow networks", source="Lapuschkin et al., 2017", **ALIKE)
def lrp_epsilon_alpha2_beta1(run: Run, *, epsilon: float = EPSILON) -> Outcome:
    """LRP-EpsilonAlpha2Beta1: α₂β₁ in convolutions, ε in linear layers (Lapuschkin et al., 2017). Relevance of both signs
    grows with depth.

    Parameters
    ----------
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    low, high = partial(rules.alpha_beta, eps=eps(epsilon)), partial(rules.epsilon, eps=epsilon)
    return walked(run, composed(run, ("alpha2 beta1", epsilon), convolution=low, linear=high))


@method(good_for="evidence for and against; shallow networks", source=KOHLBRENNER, **ALIKE)
def lrp_epsilon_alpha2_beta1_flat(run: Run, *, epsilon: float = EPSILON) -> Outcome:
    """LRP-EpsilonAlpha2Beta1Flat: α₂β₁ in convolutions, ε in linear layers, flat in the first layer (Kohlbrenner et al.,
    2020).

    Parameters
    ----------
    epsilon
        As for `lrp_epsilon`.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target, the same in all channels; with ``conservation``.
    """
    low, high = partial(rules.alpha_beta, eps=eps(epsilon)), partial(rules.epsilon, eps=epsilon)
    return walked(run, composed(run, ("alpha2 beta1", "flat", epsilon), convolution=low, linear=high, first=rules.flat))


@method(good_for="which parts speak for the answer, by the rules that suit the network", source=KOHLBRENNER, **ALIKE)
def lrp(run: Run) -> Outcome:
    """Layer-wise relevance propagation as it suits the network: AttnLRP where it has attention (`attnlrp`), EpsilonPlusFlat
    elsewhere (`lrp_epsilon_plus_flat`).

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``.
    """
    return attnlrp(run) if has_attention(run.graph) else lrp_epsilon_plus_flat(run)
