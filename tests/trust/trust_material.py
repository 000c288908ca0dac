"""Runs and cases that several files of tests look at."""

import torch
import torch.nn as nn

from seethrough.attribution import METHODS, Method, Needs, Outcome, Reduce
from seethrough.graph.run import Run
from seethrough.graph.source import GraphSource
from seethrough.trust.maps import Case


class Calls(nn.Module):
    """A function as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def source_of(module):
    return GraphSource(module, module, {id(m): name for name, m in module.named_modules()})


def run_of(module, x, target=lambda out, rows: out.flatten(1)[:, 0], **settings):
    """A question about output 0."""
    module = module if isinstance(module, nn.Module) else Calls(module)
    return Run(source_of(module.eval()), x, target, **settings)


def method_of(function, name="made up", **declared):
    """A function of a run as a method that isn't in the table."""
    given = {"needs": Needs.NOTHING, "reduce": Reduce.NONE, **declared}
    return Method(name=name, function=function, family="", cost="", good_for="", source="", **given)


def drawn(values, **declared):
    """A map that somebody made elsewhere."""
    return Case(method_of(lambda run: values, **declared), None, {}, values, again=False)


def asked(name, run, layer=None, **settings):
    """A real method's answer."""
    method = METHODS[name]
    settings = {**{k: v for k, v in method.defaults.items() if k != "progress"}, **settings}
    result = method.function(run, *([layer] if method.takes_layer else []), **settings)
    outcome = result if isinstance(result, Outcome) else Outcome(result)
    return Case(method, layer if method.takes_layer else None, settings, outcome.values, outcome.checks)


def noise(*size, seed=0):
    return torch.rand(*size, generator=torch.Generator().manual_seed(seed))
