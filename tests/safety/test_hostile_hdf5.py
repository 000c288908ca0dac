"""HDF5 files that reach outside themselves or aren't what they say; a secret beside them is never read."""

import io
import zipfile

import numpy as np
import pytest

from seethrough.errors import InputRefused
from seethrough.models import open_model

h5py = pytest.importorskip("h5py")
keras = pytest.importorskip("keras")

SECRET = bytes(range(7, 39))


def external_link(file, secret):
    file["layers/x"] = h5py.ExternalLink(str(secret), "/")


def external_link_in_place_of_a_weight(file, secret):
    del file["layers/dense/vars/1"]
    file["layers/dense/vars/1"] = h5py.ExternalLink(str(secret), "/w")


def soft_link(file, secret):
    file["layers/x"] = h5py.SoftLink("/layers/dense")


def soft_link_to_nothing(file, secret):
    file["layers/x"] = h5py.SoftLink("/../../secret")


def external_storage(file, secret):
    del file["layers/dense/vars/1"]
    file.create_dataset("layers/dense/vars/1", (3,), "f4", external=[(str(secret), 0, 12)])


def virtual_dataset(file, secret):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "w", (3,))
    del file["layers/dense/vars/1"]
    file.create_virtual_dataset("layers/dense/vars/1", layout)


def hard_link_to_its_own_group(file, secret):
    file["layers/dense/again"] = file["layers"]


def one_array_under_two_names(file, secret):
    file["layers/dense/vars/2"] = file["layers/dense/vars/1"]


def foreign_filter(file, secret):
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk((3,))
    created.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3,)), created)


def name_with_a_newline(file, secret):
    file["x\nseethrough: all is well"] = h5py.SoftLink("/")


def name_that_is_no_text(file, secret):
    file.create_group(b"\xff\xfe")


def name_of_a_parent(file, secret):
    file.create_group("..")


HOLES = {
    each.__name__: each
    for each in (
        external_link, external_link_in_place_of_a_weight, soft_link, soft_link_to_nothing, external_storage,
        virtual_dataset, hard_link_to_its_own_group, one_array_under_two_names, foreign_filter, name_with_a_newline,
        name_that_is_no_text, name_of_a_parent,
    )
}  # fmt: skip


WORDS = {
    "external_storage": "in another file", "virtual_dataset": "in another file", "foreign_filter": "number 32015",
    "hard_link_to_its_own_group": "under a second name", "one_array_under_two_names": "under a second name",
    "name_that_is_no_text": "broken HDF5 file", "name_of_a_parent": "an object called '..'",
}  # fmt: skip
"""What a message says; of all others that there is a link to elsewhere."""


@pytest.fixture(scope="module")
def true(tmp_path_factory):
    folder = tmp_path_factory.mktemp("true")
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(3, name="d")(image))
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    return folder


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("hole", HOLES)
def test_a_file_that_reaches_out_is_refused(true, tmp_path, hole, suffix):
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    path = tmp_path / f"x.{suffix}"
    with zipfile.ZipFile(true / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stored = members["model.weights.h5"] if suffix == "keras" else (true / "m.h5").read_bytes()
    buffer = io.BytesIO(stored)
    with h5py.File(buffer, "r+") as file:
        if suffix == "h5":  # the same names in both
            file["layers/dense/vars/1"] = np.zeros(3, np.float32)
        HOLES[hole](file, secret)
    if suffix == "h5":
        path.write_bytes(buffer.getvalue())
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, buffer.getvalue() if name == "model.weights.h5" else data)
    with pytest.raises(InputRefused) as refused:
        open_model(path)
    assert WORDS.get(hole, "to elsewhere") in str(refused.value), refused.value
    assert "\n" not in str(refused.value) and refused.value.exit_code == 3
    assert sorted(each.name for each in tmp_path.iterdir()) == ["secret", path.name]
