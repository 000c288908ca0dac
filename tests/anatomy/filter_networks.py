"""Networks whose kernels are known, for tests of filters."""

import torch
from torch import nn

from seethrough.anatomy.filters import look_at_filters
from seethrough.models.open import open_model
from seethrough.network import Network


def convolution(weights, **options):
    """A convolution with these weights, (K, C / groups, *places)."""
    weights = torch.as_tensor(weights, dtype=torch.float32)
    layer = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weights.dim()]
    made = layer(weights.shape[1] * options.get("groups", 1), len(weights), weights.shape[2:], bias=False, **options)
    with torch.no_grad():
        made.weight.copy_(weights)
    return made


def looked_at(module, input_size, layer=None, channels=None, **said):
    """What `look_at_filters` finds in a module, by layer."""
    net = Network(open_model(module.eval(), input_size=input_size, **said))
    return look_at_filters(net.opened, net.graph(), layer, channels)[0]


def one(module, input_size, layer=None, **said):
    """The filters of the one layer that is named."""
    (found,) = looked_at(module, input_size, layer, **said).values()
    return found


def random_weights(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
