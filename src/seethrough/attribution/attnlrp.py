"""LRP for networks with attention: relevance through normalisation, softmax and products of values as in
`seethrough.graph.relevance_attention`, through linear layers by γ.
"""

from __future__ import annotations

from functools import partial

from seethrough.attribution.method import Outcome, method
from seethrough.attribution.relevance import ALIKE, composed, walked
from seethrough.errors import UsageError
from seethrough.graph import relevance as rules
from seethrough.graph.run import Run


@method(
    good_for="which patches of a transformer speak for the answer, and which against",
    source="Achtibat, Hatefi, Dreyer, Jain, Wiegand, Lapuschkin & Samek, 2024",
    **ALIKE,
)
def attnlrp(run: Run, *, linear_gamma: float = 0.05, patch_gamma: float = 0.25) -> Outcome:
    """AttnLRP: relevance through attention itself (Achtibat et al., 2024): softmax by Taylor, each factor of a product half,
    the spread of a normalisation as a constant, activations passed; γ in linear layers and in convolutions (of which a
    transformer has the one that makes its patches). Queries, keys and values all get their share.

    Parameters
    ----------
    linear_gamma, patch_gamma
        γ ≥ 0 of linear layers and of convolutions, see `lrp_gamma`; 0 is LRP-ε. Transformers want a little of it, since
        contradictions grow from block to block.

    Returns
    -------
    Tensor, (N, C, H, W), signed, in units of the target; with ``conservation``: beside biases, softmax keeps only what its
    own Taylor expansion says.
    """
    if linear_gamma < 0 or patch_gamma < 0:
        raise UsageError(
            f"attnlrp needs linear_gamma ≥ 0 and patch_gamma ≥ 0, not {linear_gamma:g} and {patch_gamma:g}."
        )
    linear, convolution = (partial(rules.gamma, favour=g) if g else rules.epsilon for g in (linear_gamma, patch_gamma))
    key = ("attention", linear_gamma, patch_gamma)
    return walked(run, composed(run, key, linear=linear, convolution=convolution))
