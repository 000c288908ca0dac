"""Work over many images: what there is to do, done in shards that are written once, and taken up again where it stopped.

A *work* says what is measured of a batch; the room reads the pictures, runs the batches, writes each shard's arrays and
lists the pictures that can't be read. `run` does the work and hands back its `Results`.
"""

from seethrough.jobs.run import Progress, run
from seethrough.jobs.work import Batch, Part, Passed, Results, Work

__all__ = ["Batch", "Part", "Passed", "Progress", "Results", "Work", "run"]
