"""How many images at once: doubled while it pays and fits."""

import time

import pytest
import torch

from seethrough.errors import EnvironmentLacks
from seethrough.jobs import sizing

CPU = torch.device("cpu")


def clocked(monkeypatch, seconds):
    """Time as a function of the batch size, without waiting for it; the sizes that were tried."""
    now, tried = [0.0], []

    def attempt(size):
        tried.append(size)
        now[0] += seconds(size)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return attempt, tried


def test_a_batch_grows_while_it_brings_a_tenth_more(monkeypatch):
    attempt, tried = clocked(monkeypatch, lambda size: 1.0 if size <= 32 else size / 32)
    assert sizing.measured(attempt, 512, CPU) == 32
    assert tried == [8, 8, 16, 16, 32, 32, 64, 64]


def test_a_batch_is_no_larger_than_there_are_images(monkeypatch):
    attempt, tried = clocked(monkeypatch, lambda size: 1.0)
    assert sizing.measured(attempt, 20, CPU) == 20 and max(tried) == 20


def test_a_batch_stops_before_memory_does(monkeypatch):
    attempt, _ = clocked(monkeypatch, lambda size: 1.0)
    peaks = iter([0, 100, 100, 300, 300, 700])
    monkeypatch.setattr(sizing, "_peak", lambda device: next(peaks))
    monkeypatch.setattr(sizing, "free_memory", lambda device: 1000)
    assert sizing.measured(attempt, 512, CPU) == 32  # which took 400; twice that is more than half of what is free


def test_a_batch_takes_no_more_of_a_machines_memory_than_others_can_spare(monkeypatch):
    attempt, tried = clocked(monkeypatch, lambda size: 1.0)
    peaks = iter([0, sizing.ROOM // 4, sizing.ROOM // 4, sizing.ROOM])
    monkeypatch.setattr(sizing, "_peak", lambda device: next(peaks))
    monkeypatch.setattr(sizing, "free_memory", lambda device: 100 * sizing.ROOM)
    assert sizing.measured(attempt, 512, CPU) == 16 == max(tried)


def test_memory_that_ends_the_attempt_leaves_the_size_before(monkeypatch):
    attempt, _ = clocked(monkeypatch, lambda size: 1.0)

    def short(size):
        if size > 16:
            raise MemoryError
        attempt(size)

    assert sizing.measured(short, 512, CPU) == 16


def test_a_fault_of_another_kind_goes_up():
    with pytest.raises(ZeroDivisionError):
        sizing.measured(lambda size: 1 // 0, 8, CPU)


def test_half_of_one_is_refused():
    assert sizing.halved(5) == 2
    with pytest.raises(EnvironmentLacks):
        sizing.halved(1)
