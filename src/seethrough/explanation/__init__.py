"""Why did it answer so? One question, any number of methods, one answer.

`answer` settles what is asked and asks the methods; `maps` brings their tensors to the pixels of the picture a person
gave; `join` puts batches together; `alone` makes one function of each method.
"""

from seethrough.explanation.alone import alone
from seethrough.explanation.answer import DEFAULT_METHODS, Progress, explain

__all__ = ["DEFAULT_METHODS", "Progress", "alone", "explain"]
