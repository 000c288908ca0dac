"""A run: each image once, the same numbers however it is cut, taken up where it stopped and only as what it was."""

import shutil

import numpy as np
import pytest
import torch
from jobs_material import Answers, draw, equal, network, table
from PIL import Image

import seethrough as st
from seethrough.datasets.collection import collect
from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.jobs import Pace, Results, run


def of(results, net, pictures):
    """Rows against what the network answers when it is asked directly."""
    rows = table(results)
    answers = net.predict([str(pictures / f"{i}.png") for i in sorted(rows)]).values
    np.testing.assert_allclose(np.stack([rows[i] for i in sorted(rows)]), answers, rtol=1e-5, atol=1e-6)
    return rows


@pytest.mark.parametrize("workers", [0, 2])
def test_every_image_has_the_row_that_the_network_gives_it(net, pictures, workers):
    told = []
    results = run(
        net, collect(pictures), Answers(net), shard=16, batch=8, workers=workers, progress=lambda *n: told.append(n)
    )
    assert isinstance(results, Results) and results.passed == ()
    rows = of(results, net, pictures)
    assert sorted(rows) == list(range(50))
    assert told[0] == (0, 50) and told[-1] == (50, 50) and told == sorted(told)
    assert [len(items) for items, _ in results.shards()] == [16, 16, 16, 2]
    assert results.provenance["work"] == "answers" and results.provenance["run"]["batch"] == 8


def test_readers_beside_give_the_same_numbers_to_the_bit(net, pictures):
    here, beside = (run(net, collect(pictures), Answers(net), batch=8, workers=n) for n in (0, 1))
    assert equal(table(here), table(beside))


def test_a_done_run_is_not_done_again(net, pictures, tmp_path):
    work = Answers(net)
    first = run(net, collect(pictures), work, folder=tmp_path / "run", shard=16, batch=8)
    begun, told = [], []
    again = Answers(net, begun=lambda: begun.append(1))
    second = run(net, collect(pictures), again, folder=tmp_path / "run", shard=16, progress=lambda *n: told.append(n))
    assert begun == [] and told == [(50, 50)] and equal(table(first), table(second))
    assert second.provenance["run"] == first.provenance["run"]


def test_a_run_that_broke_goes_on_with_the_batch_it_began_with(net, pictures, tmp_path):
    class Broken(Exception):
        pass

    def break_at(item):
        def seen(batch):
            if item in batch.items:
                raise Broken

        return seen

    whole = table(run(net, collect(pictures), Answers(net), shard=16, batch=4, workers=0))
    with pytest.raises(Broken):
        run(net, collect(pictures), Answers(net, seen=break_at(40)), folder=tmp_path, shard=16, batch=4)
    begun, sizes = [], set()
    work = Answers(net, begun=lambda: begun.append(1), seen=lambda batch: sizes.add(len(batch.items)))
    rest = run(net, collect(pictures), work, folder=tmp_path, shard=16)
    assert len(begun) == 2 and sizes == {4, 2} and equal(table(rest), whole)


def test_images_that_cant_be_read_are_passed_by_with_the_reason(net, tmp_path):
    folder = draw(tmp_path / "pictures", 40)
    for i in (0, 7, 17, 18, 39):
        (folder / f"{i}.png").write_bytes(b"no picture")
    (folder / "8.png").write_bytes(b"")
    run_folder = tmp_path / "run"
    results = run(net, collect(folder), Answers(net), folder=run_folder, shard=16, batch=8)
    assert [p.item for p in results.passed] == [0, 7, 8, 17, 18, 39]
    assert results.passed[2].name == "8.png" and "empty" in results.passed[2].reason
    assert sorted(of(results, net, folder)) == [i for i in range(40) if i not in (0, 7, 8, 17, 18, 39)]
    again = run(net, collect(folder), Answers(net), folder=run_folder, shard=16)
    assert again.passed == results.passed


def test_a_shard_of_nothing_but_broken_images_is_a_shard(net, tmp_path):
    folder = draw(tmp_path / "pictures", 9)
    for i in (4, 5, 6, 7):
        (folder / f"{i}.png").write_bytes(b"no picture")
    results = run(net, collect(folder), Answers(net), shard=4, batch=4)
    assert [len(items) for items, _ in results.shards()] == [4, 0, 1]


def test_not_one_image_that_can_be_read_is_refused(net, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputRefused, match=r"Not one of 1 images.*a\.png"):
        run(net, collect(tmp_path), Answers(net))


@pytest.mark.parametrize("kind", ["pixels", "ready", "tensor", "PIL"])
def test_images_in_memory_are_images_too(net, pictures, kind):
    pixels = np.stack([np.asarray(Image.open(pictures / f"{i}.png")) for i in range(10)])
    prepared = net.prepare(list(pixels)).batch
    given = {
        "pixels": pixels,
        "ready": prepared.numpy(),
        "tensor": prepared,
        "PIL": [Image.fromarray(p) for p in pixels],
    }[kind]
    of(run(net, collect(given), Answers(net), batch=4), net, pictures)


def test_a_ready_tensor_with_numbers_that_are_none_is_passed_by(net):
    batch = torch.rand(6, 3, 24, 24)
    batch[4, 0, 0, 0] = float("nan")
    results = run(net, collect(batch), Answers(net), batch=4)
    assert [p.item for p in results.passed] == [4] and sorted(table(results)) == [0, 1, 2, 3, 5]


def test_pictures_of_any_proportions_go_through_a_network_that_cuts_nothing_off(tmp_path):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    net = st.open(module.eval(), input_size=(3, 16, 16), preprocessing={"name": "unit", "fit": "whole"})
    for i, size in enumerate([(20, 20), (20, 20), (40, 20), (20, 40), (20, 40)]):
        Image.new("RGB", size, (40 * i, 9, 9)).save(tmp_path / f"{i}.png")
    groups = []
    work = Answers(net, seen=lambda batch: groups.append(batch.items))
    results = run(net, collect(tmp_path), work, batch=4)
    assert groups == [(0, 1), (2,), (3, 4)] and len(table(results)) == 5


def test_a_picture_has_its_name_at_once_and_its_pixels_when_asked(net, pictures):
    seen = []
    run(net, collect(pictures), Answers(net, seen=lambda batch: seen.extend(batch.prepared.pictures)), batch=8)
    given = np.asarray(Image.open(pictures / "49.png"))
    assert [p.name for p in seen[:2]] == ["0.png", "1.png"] and seen[49].size == (24, 30)
    np.testing.assert_array_equal(seen[49].pixels, given)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_work_that_draws_has_the_pixels(net, pictures, workers, monkeypatch):
    kept = []
    work = Answers(net, seen=lambda batch: kept.extend(p.pixels for p in batch.prepared.pictures))
    work.draws = True
    collection = collect(pictures)
    monkeypatch.setattr(type(collection), "picture", lambda *_: pytest.fail("read twice"))
    run(net, collection, work, batch=8, workers=workers)
    np.testing.assert_array_equal(kept[3], np.asarray(Image.open(pictures / "3.png")))


def test_another_run_in_the_same_folder_is_refused_with_the_difference_named(net, pictures, tmp_path):
    collection, folder = collect(pictures), tmp_path / "run"
    run(net, collection, Answers(net), folder=folder, shard=16, batch=8)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file())

    def refused(match, net=net, collection=collection, work=None, shard=16):
        with pytest.raises(UsageError, match=match):
            run(net, collection, work or Answers(net), folder=folder, shard=shard)

    other = network(seed=1)
    refused(r"network\.fingerprint was", net=other, work=Answers(other))
    refused('settings.of was "answers" and is "others"', work=Answers(net, {"of": "others"}))
    refused('work was "answers"', work=Answers(net, name="others"))
    refused("shard was 16 and is 8", shard=8)
    cold = st.open(net.module, input_size=(3, 24, 24), preprocessing="tf", classes=["a", "b", "c", "d"])
    refused('network.preprocessing was "unit" and is "tf"', net=cold, work=Answers(cold))
    fewer = tmp_path / "fewer"
    shutil.copytree(pictures, fewer)
    (fewer / "3.png").unlink()
    refused("one image is no longer there \\('3.png'\\)", collection=collect(fewer))
    draw(fewer, 50, seed=1)
    refused("50 images are changed", collection=collect(fewer))
    refused("changed, or of another class", collection=collect(pictures, truth=["a"] * 50))
    refused("another order", collection=collect([pictures / f"{i}.png" for i in range(49, -1, -1)]))
    assert before == sorted((p.name, p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file())


def test_the_same_weights_in_another_build_are_another_network(pictures, tmp_path):
    def build(stride):
        torch.manual_seed(0)
        module = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3, stride), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
        )
        return st.open(module.eval(), input_size=(3, 24, 24), preprocessing="unit")

    one, other = build(1), build(2)
    assert one.fingerprint == other.fingerprint
    run(one, collect(pictures), Answers(one), folder=tmp_path, batch=8)
    run(build(1), collect(pictures), Answers(one), folder=tmp_path)
    with pytest.raises(UsageError, match=r"network\.build"):
        run(other, collect(pictures), Answers(other), folder=tmp_path)


def test_memory_that_is_short_makes_smaller_batches(net, pictures, tmp_path):
    def short(batch):
        if len(batch.items) > 4:
            raise MemoryError

    counted = []
    results = run(
        net, collect(pictures), Answers(net, seen=short), folder=tmp_path, shard=16, batch=16, workers=1,
        progress=lambda done, _: counted.append(done),
    )  # fmt: skip
    of(results, net, pictures)
    assert results.provenance["run"]["batch"] == 4 and counted[-1] == 50 and max(counted) == 50

    def shorter(batch):
        raise MemoryError

    with pytest.raises(EnvironmentLacks, match="Not even one image"):
        run(net, collect(pictures), Answers(net, seen=shorter), batch=16)


def test_sizes_and_counts_that_are_none_are_refused(net, pictures):
    for said in ({"batch": 0}, {"shard": 0}, {"workers": -1}):
        with pytest.raises(UsageError, match=next(iter(said))):
            run(net, collect(pictures), Answers(net), **said)


def test_settings_that_are_no_data_are_refused(net, pictures):
    with pytest.raises(UsageError, match="no plain data"):
        run(net, collect(pictures), Answers(net, {"of": object()}))


def test_the_pace_counts_what_it_saw():
    seconds = iter([100.0, 110.0])
    pace = Pace(clock=lambda: next(seconds))
    pace(40, 100)
    assert pace.rate is None and pace.left is None
    pace(60, 100)
    assert pace.rate == 2.0 and pace.left == 20.0
