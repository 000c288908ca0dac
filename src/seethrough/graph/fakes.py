"""Fakes: the world of tensors without data that a network is written down in, and what is kept quiet meanwhile."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import FakeTensorMode


@contextmanager
def no_collection() -> Iterator[None]:
    """A recording makes many small objects that live on; looking for garbage among them again and again took a third of
    its time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def unlogged() -> Iterator[None]:
    """Torch logs what can't be done without data, which may be the very thing that is looked for, and is told by the
    exception.
    """
    log = logging.getLogger(fake_tensor.__name__)
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def fake_tensors() -> FakeTensorMode:
    """A world of tensors that have a shape and no data, into which real weights are taken by their shape."""
    return FakeTensorMode(allow_non_fake_inputs=True)
