"""The words of methods and of what they have to say, a file a family: each has ``METHODS`` (name and line of every method)
and ``NOTES`` (a sentence for every note that only this family gives), in both languages.
"""

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary import (
    activation,
    attention,
    audit,
    gradient,
    layer,
    metrics,
    path,
    perturbation,
    proof,
    rehearsal,
    relevance,
    repair,
    targets,
    trust,
)
from seethrough.show.vocabulary.entry import MethodWords

_FAMILIES = (gradient, path, relevance, activation, attention, perturbation, layer)

METHODS: Mapping[str, MethodWords] = {name: words for family in _FAMILIES for name, words in family.METHODS.items()}
NOTES: Mapping[str, Both] = {
    name: words
    for part in (*_FAMILIES, targets, trust, metrics, audit, rehearsal, repair, proof)
    for name, words in part.NOTES.items()
}

__all__ = ["METHODS", "NOTES", "MethodWords"]
