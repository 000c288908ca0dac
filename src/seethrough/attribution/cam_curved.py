"""Class activation maps by gradient and curvature."""

from __future__ import annotations

from torch import Tensor, log_softmax, relu

from seethrough.attribution.cam import FAMILY
from seethrough.attribution.method import Needs, Reduce, method
from seethrough.graph.run import Run
from seethrough.graph.tail import curvature, tail
from seethrough.results import Passes


@method(
    family=FAMILY,
    cost="2 forwards, 2 walks back to the layer",
    good_for="Grad-CAM corrected for how the answer bends, where it is nearly saturated",
    source="Cai, 2025",
    needs=Needs.SPATIAL_LAYER,
    reduce=Reduce.NONE,
    signed=False,
    work=Passes(1, 2),
)
def shapleycam(run: Run, layer: str, *, residual: bool = True) -> Tensor:
    """Shapley-CAM: a channel counts by the mean of ``g − ½ H a``, its Shapley value to second order, with H the Hessian
    of the target with respect to the layer (Cai, 2025, section 3.3).

    Parameters
    ----------
    residual
        Ask about the target plus the same of the logarithms of the probabilities (the paper's ReST), which bends where
        the answer is nearly certain; where False, the target alone, of which a network of rectifiers has no curvature,
        so that the map is Grad-CAM's. Probabilities are asked about as they are.

    Returns
    -------
    Tensor, (N, H, W), ≥ 0, on the layer's grid, in units of what is asked.
    """
    graph, target, a = run.graph, run.target, run.value(layer)
    place, answer = graph.place(layer), run.answer_place
    assert place is not None and target is not None
    reached = tail(graph, place.value, answer.value, run.source.given(graph, run.images))
    both = residual and not run.probabilities

    def asked(value: Tensor) -> Tensor:
        logits = answer.of(reached(value))
        score = target(logits, run.rows)
        return score + target(log_softmax(logits, 1), run.rows) if both else score

    run.counter.forward += len(run.images)
    run.counter.backward += 2 * len(run.images)
    g, bent = curvature(asked, run.forward.values[place.value], place.back(a))
    weights = (place.of(g) - place.of(bent) / 2).mean((2, 3), keepdim=True)
    return relu((weights * a).sum(1))
