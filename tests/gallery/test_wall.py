"""The wall from a network and a folder: vectors, answers, truth and places are what they are said to be."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import seethrough as st
from seethrough.errors import InputRefused, UsageError
from wall_material import COLOURS, Sees, folder_of, network, pictures


@pytest.fixture(scope="module")
def hung(tmp_path_factory):
    return st.wall(network(), folder_of(tmp_path_factory.mktemp("photos"), 40), layout="pca", maps=True)


def test_vectors_are_what_a_hook_on_the_network_sees(hung, tmp_path):
    net, seen = network(), []
    prepared = net.prepare([pixels for i, pixels in enumerate(pictures(40)) if i % 3 == 0][:4])
    handle = net.module.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        net.module(prepared.batch)
    handle.remove()
    rows = [hung.names.index(f"red/{i:04d}.png") for i in (0, 3, 6, 9)]
    assert np.allclose(hung.embeddings[rows], seen[0].numpy(), atol=1e-5)
    assert hung.layer == "pool" and hung.embeddings.shape == (40, 3)


def test_answers_are_those_of_predict(hung):
    net = network()
    for i in (0, 17, 39):
        name = hung.names[i]
        said = net.predict(list(pictures(40))[int(name[-8:-4])])
        assert [g.index for g in said.top(3)] == hung.top[i].tolist()
        assert np.allclose([g.probability for g in said.top(3)], hung.chances[i], atol=1e-5)


def test_folders_are_classes_and_all_are_right(hung):
    assert hung.labels == COLOURS and (hung.right == 1).all()
    assert hung.confusion.truth == COLOURS
    assert np.array_equal(hung.confusion.counts, np.diag(hung.confusion.counts.diagonal()))
    assert hung.confusion.counts.sum() == 40


def test_places_are_a_permutation_and_alike_hang_together(hung):
    _, columns = hung.grid
    assert np.array_equal(np.sort(hung.cells[:, 0] * columns + hung.cells[:, 1]), np.arange(40))
    same = [hung.truth[i] == hung.truth[j] for i in range(40) for j in hung.nearest[i][:3]]
    assert np.mean(same) > 0.9 and hung.kept.kept > hung.kept.chance


def test_maps_are_gradcam_on_the_square_of_the_thumbnail(hung):
    assert hung.maps.codes.shape == (40, 14, 14) and hung.thumbnails.shape == (40, 224, 224, 3)
    i = 5
    pixels = list(pictures(40))[int(hung.names[i][-8:-4])]
    one = st.explain(network(), pixels, "gradcam")["gradcam"]
    assert hung.maps.largest[i] == pytest.approx(one.map.max(), rel=0.25)
    square = one.map[0][:, 4:24]
    small = np.asarray(Image.fromarray(square).resize((14, 14), Image.Resampling.BOX))
    assert np.corrcoef(small.ravel(), hung.maps.codes[i].astype(float).ravel())[0, 1] > 0.9


def test_maps_change_no_vector_and_no_answer(hung, tmp_path):
    plain = st.wall(network(), folder_of(tmp_path, 40), layout="pca")
    assert plain.maps is None and np.allclose(plain.embeddings, hung.embeddings, atol=1e-5)
    assert np.array_equal(plain.top, hung.top)


def test_a_run_in_a_folder_is_taken_up_again(tmp_path):
    folder, seen = folder_of(tmp_path / "photos", 12), []
    first = st.wall(network(), folder, layout="pca", folder=tmp_path / "run")
    again = st.wall(network(), folder, layout="pca", folder=tmp_path / "run", progress=lambda *told: seen.append(told))
    assert np.array_equal(first.embeddings, again.embeddings) and np.array_equal(first.cells, again.cells)
    assert next(told for told in seen if told[0] == "images") == ("images", 12, 12)


@pytest.mark.parametrize("number", [1, 3])
def test_one_image_and_three_hang_too(number):
    hung = st.wall(network(), np.stack(list(pictures(number))))
    assert len(hung) == number and hung.layout == "pca" and "wall_few" in {note.name for note in hung.notes}
    assert len({tuple(cell) for cell in hung.cells.tolist()}) == number


def test_images_that_are_all_alike_hang_and_it_is_said():
    hung = st.wall(network(), np.stack([next(pictures(1))] * 15))
    assert [note.name for note in hung.notes if note.level == "warning"] == ["wall_alike"]
    assert len({tuple(cell) for cell in hung.cells.tolist()}) == 15


def test_broken_images_are_listed_and_passed_by(tmp_path):
    folder = folder_of(tmp_path, 9)
    (folder / "red" / "broken.png").write_bytes(b"\x89PNG no picture")
    hung = st.wall(network(), folder, layout="pca")
    assert len(hung) == 9 and [p.name for p in hung.passed] == ["red/broken.png"] and hung.passed[0].reason


def test_truth_of_which_no_class_is_the_networks_is_refused(tmp_path):
    folder = folder_of(tmp_path, 6)
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "class"), *((f"{COLOURS[i % 3]}/{i:04d}.png", "cat") for i in range(6))])
    with pytest.raises(UsageError, match="None of the 1 classes"):
        st.wall(network(), folder, layout="pca", truth=tmp_path / "truth.csv")


def test_a_class_among_others_that_the_network_lacks_is_said():
    hung = st.wall(network(), np.stack(list(pictures(4))), truth=["red", "green", "violet", "red"])
    assert hung.truth_index.tolist() == [0, 1, -1, 0] and hung.right.tolist() == [1, 1, -1, 1]
    assert "truth_unmatched" in {note.name for note in hung.notes}


def test_folders_that_are_no_classes_are_groups(tmp_path):
    folder = folder_of(tmp_path, 6)
    for colour in COLOURS:
        (folder / colour).rename(folder / f"part {colour}")
    hung = st.wall(network(), folder, layout="pca")
    assert "truth_groups" in {note.name for note in hung.notes} and (hung.right == -1).all()
    assert hung.confusion.truth == tuple(f"part {c}" for c in sorted(COLOURS)) and hung.confusion.right == 0


def test_an_embedding_network_has_no_answers_and_hangs():
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    hung = st.wall(network(module, classes=None, task="embedding"), np.stack(list(pictures(14))), layout="pca")
    with pytest.raises(UsageError, match="leave maps out"):
        st.wall(network(module, classes=None, task="embedding"), np.stack(list(pictures(3))), maps=True)
    assert hung.top is None and hung.confusion is None and hung.layer == "" and hung.embeddings.shape == (14, 6)


def test_a_layer_that_gives_no_numbers_is_refused():
    class Logarithm(Sees):
        def forward(self, x):
            return self.head(torch.log(self.pool(self.relu(self.smooth(x))).flatten(1) - 10))

    with pytest.raises(InputRefused, match="NaN or infinite for 4 of 4 images"):
        st.wall(network(Logarithm().eval()), np.stack(list(pictures(4))))


def test_what_is_wrong_is_said_before_the_work_begins(tmp_path):
    images = np.stack(list(pictures(3)))
    with pytest.raises(UsageError, match="no layout"):
        st.wall(network(), images, layout="circle")
    with pytest.raises(UsageError, match="numbers 'loss'"):
        st.wall(network(), images, numbers={"loss": [1, 2]})


def test_it_rebuilds_from_its_record(hung):
    record = hung.to_dict()
    assert record["provenance"]["seed"] == 0 and record["provenance"]["work"] == "wall"
    assert record["right"] == 40 and len(record["images"]) == 40
    assert record["images"][0]["answers"][0]["label"] in COLOURS
