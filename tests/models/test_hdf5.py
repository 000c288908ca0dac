"""HDF5 files that reach outside themselves or declare what they don't hold."""

import numpy as np
import pytest

from seethrough.errors import InputRefused
from seethrough.models.hdf5 import check_hdf5

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def refused(path, words):
    with pytest.raises(InputRefused, match=words) as raised:
        check_hdf5(path, "the file")
    assert "\n" not in str(raised.value)


def test_a_true_file_passes_and_its_text_comes_back(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["numbers"] = np.arange(3)
        file.create_dataset("plain", data=np.ones((5, 6), np.float32))
        file.create_dataset("empty", data=np.ones((0, 6), np.float32))
        file.create_dataset("scalar", data=3.0)
        noise = np.random.default_rng(0).normal(size=(40, 40))
        file.create_dataset("deep/packed", data=noise, compression="gzip", chunks=(10, 10))
        file.create_dataset("names", data=["a", "bc"], dtype=h5py.string_dtype())
    assert check_hdf5(path, "the file") == {"model_config": "{}"}


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
    refused(path, "keeps the numbers of '/x' in another file")


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
    assert check_hdf5(path, "the file") == {}


@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_a_file_cut_off_is_refused(path, part):
    with h5py.File(path, "w") as file:
        for i in range(20):
            file.create_dataset(f"x{i}", data=np.random.default_rng(i).normal(size=50))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, "broken|cut off")
