"""Forms looked up are the forms that PyTorch would give, and are those of the real thing."""

from __future__ import annotations

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from seethrough.graph.fakes import fake_tensors
from seethrough.graph.forms import Forms
from seethrough.graph.untouched import Effects

last = {"memory_format": torch.channels_last}
SCALE = torch.rand(8, 1, 1)
QUESTIONS = {
    "convolution": lambda x, w: F.conv2d(x, w, stride=2),
    "convolution of channels last": lambda x, w: F.conv2d(x.contiguous(**last), w),
    "batch normalisation": lambda x, w: F.batch_norm(x, w.new_zeros(8), w.new_ones(8)),
    "batch normalisation of channels last": lambda x, w: F.batch_norm(x.to(**last), w.new_zeros(8), w.new_ones(8)),
    "layer normalisation": lambda x, w: F.layer_norm(x.permute(0, 2, 3, 1), (8,)),
    "linear": lambda x, w: F.linear(x.flatten(1), w.reshape(4, -1)[:, :1].expand(4, 288)),
    "relu": lambda x, w: F.relu(x.transpose(2, 3)),
    "pieces": lambda x, w: x.chunk(4, 1)[2],
    "a window": lambda x, w: x[:, 2:5, 1:],
    "a window of a window": lambda x, w: x[:, 2:5, 1:].unflatten(1, (3, 1)).squeeze(2),
    "joined": lambda x, w: torch.cat([x, x[:, :3]], 1),
    "attention": lambda x, w: F.scaled_dot_product_attention(x, x, x),
    "an index": lambda x, w: x[:, torch.tensor([1, 3, 5])],
    "of a wider type": lambda x, w: x + torch.ones(8, 6, 6, dtype=torch.float64),
    "a number of a wider type": lambda x, w: x + torch.ones((), dtype=torch.float64),
    "whole numbers": lambda x, w: x.argmax(1),
    "scaled by real numbers": lambda x, w: x.permute(0, 1, 3, 2) * SCALE,
    "scaled in place": lambda x, w: x.transpose(2, 3).mul_(SCALE),
    "added in place to a window": lambda x, w: x[:, :, 1:].add_(SCALE, alpha=2),
    "pooled with places": lambda x, w: F.max_pool2d(x, 2, return_indices=True)[1],
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_what_is_looked_up_has_the_form_of_the_real_thing(ask):
    x, w = torch.rand(2, 8, 6, 6), nn.Parameter(torch.rand(4, 8, 3, 3))
    expected = ask(x, w)
    effects, fake = Effects(), fake_tensors()
    effects.carry_out = Forms(fake)
    with effects, fake:
        for _ in range(2):  # asked, then looked up
            found = ask(torch.empty(2, 8, 6, 6), w)
            assert (found.shape, found.dtype, found.device) == (expected.shape, expected.dtype, expected.device)
            assert found.stride() == expected.stride()
            assert found.storage_offset() == expected.storage_offset()


def test_a_view_looked_up_shares_the_storage_of_what_it_is_a_view_of():
    effects, fake = Effects(), fake_tensors()
    effects.carry_out = Forms(fake)
    with effects, fake:
        for _ in range(2):
            x = torch.empty(2, 8, 6, 6)
            pieces = x.split(4, 1)
            assert all(p.untyped_storage()._cdata == x.untyped_storage()._cdata for p in pieces)
            assert F.relu(x).untyped_storage()._cdata != x.untyped_storage()._cdata


def test_a_question_is_carried_out_once():
    effects, fake = Effects(), fake_tensors()
    forms = effects.carry_out = Forms(fake)
    weight = nn.Parameter(torch.rand(8, 8, 3, 3))
    with effects, fake:
        y = torch.empty(2, 8, 6, 6)
        known = []
        for _ in range(5):
            y = F.relu(F.conv2d(y, weight, padding=1))
            known.append(len(forms.known))
    assert known[0] > 0
    assert known[1] == known[-1]


def test_what_is_written_into_is_given_back_and_told_as_written():
    effects, fake = Effects(), fake_tensors()
    forms = effects.carry_out = Forms(fake)
    with effects, fake:
        for _ in range(3):
            x = torch.empty(2, 8, 6, 6).requires_grad_() * 1
            effects.begin()
            version = x._version
            assert x.mul_(SCALE) is x
            assert x._version == version + 1
            assert x.untyped_storage()._cdata in effects.written
            assert x.grad_fn is not None
        assert forms.into


def test_a_write_that_does_not_fit_is_refused_however_often_one_that_fits_was_asked():
    effects, fake = Effects(), fake_tensors()
    effects.carry_out = Forms(fake)
    with effects, fake:
        for _ in range(2):
            torch.empty(2, 8, 6, 6).add_(SCALE)
            with pytest.raises(RuntimeError, match=r"broadcast|size"):
                torch.empty(2, 7, 6, 6).add_(SCALE)


def test_a_real_tensor_is_met_only_where_its_twin_may_be_seen_again():
    met = []
    effects, fake = Effects(), fake_tensors()
    effects.carry_out = Forms(fake, met.append)
    with effects, fake:
        x = torch.empty(2, 8, 6, 6)
        x * SCALE
        x.add_(SCALE)
        assert not met
        view = SCALE.expand(8, 6, 6)
        assert met == [SCALE]
        assert view.untyped_storage()._cdata == fake.from_tensor(SCALE).untyped_storage()._cdata
