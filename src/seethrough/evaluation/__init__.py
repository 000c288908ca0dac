"""How good are explanations? The metrics of the field over maps and a network, over a folder of pictures, and what to use
because of them.

`metric` is the table; `removal`, `additivity`, `robustness`, `localisation`, `complexity`, `randomisation` and `axioms` hold the
metrics, each a function that reads like its paper.
"""

# In the order in which the families are presented.
from seethrough.evaluation import removal  # isort: skip
from seethrough.evaluation import additivity  # isort: skip
from seethrough.evaluation import localisation  # isort: skip
from seethrough.evaluation import robustness  # isort: skip
from seethrough.evaluation import randomisation  # isort: skip
from seethrough.evaluation import complexity  # isort: skip
from seethrough.evaluation import axioms  # isort: skip
from seethrough.evaluation.metric import METRICS, Metric, Reads, metric_named

__all__ = [
    "METRICS",
    "Metric",
    "Reads",
    "additivity",
    "axioms",
    "complexity",
    "localisation",
    "metric_named",
    "randomisation",
    "removal",
    "robustness",
]
