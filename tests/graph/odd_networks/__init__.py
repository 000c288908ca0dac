"""Little networks as people really write them, by family: what they do on their way is what a recorder of networks may
get wrong.

Each is a function ``(net, x) -> output`` on a body of one convolution and one linear layer, with further parts named in
its decorator.
"""

from odd_networks import batches, chance, forms, gradients, parts, state, structure, values, vision, writes
from odd_networks.body import ODD, Odd

FAMILIES = (writes, gradients, batches, values, state, chance, parts, forms, vision, structure)

__all__ = ["FAMILIES", "ODD", "Odd"]
