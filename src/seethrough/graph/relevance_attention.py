"""How relevance passes the operations of transformers: normalisation, softmax, products of two values, attention.

`KINDS`, `NAMES` and `MAKERS` extend those of `seethrough.graph.relevance_flow`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Kind, Operation
from seethrough.graph.rules import Rule

KINDS: Mapping[Kind, Rule] = {}
NAMES: Mapping[str, Rule] = {}
MAKERS: Mapping[Kind, Callable[[Graph, Operation], Rule]] = {}
