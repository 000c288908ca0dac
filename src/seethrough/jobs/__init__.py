"""Work over many images: what there is to do, done in shards that are written once, and taken up again where it stopped.

A *work* says what is measured of a batch (`work`). `run` settles the plan (`plan`), has an engine do the shards (`engine`;
`local` is the one here, with `sizing` for the size of its batches and `later` for pictures that nobody may look at), writes
each into a file of its own (`store`) and records it (`manifest`). Images that can't be read are listed and passed by.
`verify` looks a folder through; `classes` says which output an image belongs to; `pace` how long it will take.
"""

from seethrough.jobs.classes import Classes, classes_of
from seethrough.jobs.engine import Engine
from seethrough.jobs.local import Local
from seethrough.jobs.pace import Pace
from seethrough.jobs.run import Progress, run
from seethrough.jobs.verify import Fault, Verified, verify
from seethrough.jobs.work import Batch, Part, Passed, Results, Work

__all__ = [
    "Batch",
    "Classes",
    "Engine",
    "Fault",
    "Local",
    "Pace",
    "Part",
    "Passed",
    "Progress",
    "Results",
    "Verified",
    "Work",
    "classes_of",
    "run",
    "verify",
]
