"""Why did it answer so? One question, any number of methods, one answer.

`asked` is what a person said, `fitting` what goes together with the network, `budget` what a time buys; `answer` asks the
methods, `trusting` how far to believe them; `maps` brings their tensors to the pixels of the picture a person
gave; `join` puts batches together; `alone` makes one function of each method.
"""

from seethrough.explanation.alone import alone
from seethrough.explanation.answer import explain
from seethrough.explanation.asked import Progress

__all__ = ["Progress", "alone", "explain"]
