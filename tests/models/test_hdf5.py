"""HDF5 files that reach outside themselves or declare what they don't hold."""

import numpy as np
import pytest

from seethrough.errors import InputRefused
from seethrough.models.hdf5 import SLAB, read_hdf5
from seethrough.models.hdf5_copy import contents, write_hdf5

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def refused(path, words):
    with pytest.raises(InputRefused, match=words) as raised:
        read_hdf5(path, path.with_name("numbers"), "the file")
    assert "\n" not in str(raised.value)


def filled(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["numbers"] = np.arange(3)
        file.attrs["names"] = ["a", "bé"]
        file.attrs["none"] = np.array([], float)
        file.attrs["reference"] = file.ref  # no text and no number: not taken
        file.create_dataset("plain", data=np.ones((5, 6), np.float32))
        file.create_dataset("empty", data=np.ones((0, 6), np.float32))
        file.create_dataset("scalar", data=3.0)
        noise = np.random.default_rng(0).normal(size=(40, 40))
        file.create_dataset("deep/packed", data=noise, compression="gzip", chunks=(10, 10))
        file.create_dataset("deep/true", data=np.array([True, False]))
        file.create_dataset("deep/brain", data=np.arange(6, dtype=np.uint16).view("V2").reshape(2, 3))
        file["deep/brain"].attrs["dtype"] = "bfloat16"
        file.create_dataset("text", data=["a", "bc"], dtype=h5py.string_dtype())
        file.create_dataset("big", data=np.arange(SLAB // 2 + 3.0).reshape(1, -1), dtype=">f4")
    return path


def test_a_true_file_comes_out_of_the_reader_as_it_went_in(path, tmp_path):
    found = contents(filled(path), tmp_path / "numbers", "the file")
    assert found.text("model_config") == "{}" and not found.is_older
    assert found.groups[""] == {"model_config": "{}", "numbers": [0, 1, 2], "names": ["a", "bé"], "none": []}
    assert "text" not in found.arrays and found.elements == 30 + 1 + 1600 + 2 + 6 + SLAB // 2 + 3
    write_hdf5(found, tmp_path / "numbers", tmp_path / "new.h5")
    with h5py.File(path) as old, h5py.File(tmp_path / "new.h5") as new:
        for name in found.arrays:
            assert np.array_equal(old[name][()], new[name][()]) and old[name].dtype == new[name].dtype, name
        assert new["deep/brain"].attrs["dtype"] == "bfloat16" and list(new.attrs["names"]) == ["a", "bé"]


def test_only_looking_writes_nothing(path, tmp_path):
    contents(filled(path), None, "the file")
    assert [each.name for each in tmp_path.iterdir()] == ["x.h5"]


def test_a_link_to_another_file_is_refused(path):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")
    refused(path, "a link '0' to elsewhere")


def test_a_soft_link_is_refused(path):
    with h5py.File(path, "w") as file:
        file["a"] = np.ones(3)
        file["b"] = h5py.SoftLink("/a")
    refused(path, "a link 'b'")


def test_numbers_kept_in_another_file_are_refused(path, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret..")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (8,), "u1", external=[(str(tmp_path / "secret"), 0, 8)])
    refused(path, "keeps the numbers of 'x' in another file")


def test_a_virtual_dataset_is_refused(path, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["y"] = np.ones(4)
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "y", (4,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    refused(path, "in another file")


@pytest.mark.parametrize("options", [{}, {"chunks": (1000,)}, {"chunks": (1000,), "compression": "gzip"}])
def test_a_shape_of_terabytes_in_a_small_file_is_refused(path, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**12,), "f4", **options)
    refused(path, "declares 4,000,000,000,000 bytes")


def test_rings_of_hard_links_end(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["up"] = file["/"]
        group["self"] = group
    refused(path, "under a second name")


def test_more_names_than_one_attribute_of_the_oldest_layout_holds_are_kept(path, tmp_path):
    names = [f"a_layer_with_a_rather_long_name_{i}" for i in range(5000)]
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["layer_names"] = np.array(names, h5py.string_dtype())
    write_hdf5(contents(path, tmp_path / "numbers", "the file"), tmp_path / "numbers", tmp_path / "new.h5")
    with h5py.File(tmp_path / "new.h5") as new:
        assert list(new.attrs["layer_names"]) == names


@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_a_file_cut_off_is_refused(path, part):
    with h5py.File(path, "w") as file:
        for i in range(20):
            file.create_dataset(f"x{i}", data=np.random.default_rng(i).normal(size=50))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, "broken|cut off")
