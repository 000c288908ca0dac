"""The door to Keras: what it hands over is the model's own, and what isn't safe doesn't reach Keras."""

import shutil
import sys
import zipfile

import numpy as np
import pytest
import torch

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.models import imagenet_names, open_model
from seethrough.models.preprocessing import KERAS_FAMILIES

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")
layers = keras.layers


def small():
    convolution = layers.Conv2D(4, 3, activation="relu", name="c")
    pool, head = layers.GlobalAveragePooling2D(), layers.Dense(3, name="d")
    return keras.Sequential([keras.Input((16, 16, 3)), convolution, pool, head])


def nested():
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3, name="c")], name="inner")
    image = keras.Input((16, 16, 3))
    features = layers.Reshape((196, 4))(inner(image))
    attended = layers.MultiHeadAttention(2, 2, name="attention")(features, features)
    return keras.Model(image, layers.Dense(2, name="d")(layers.GlobalAveragePooling1D()(attended)))


def same_answers(one, other, shape=(2, 16, 16, 3)):
    x = torch.rand(shape)
    with torch.no_grad():
        return torch.equal(one(x, training=False), other(x, training=False))


def test_a_live_models_settings_and_weights_are_its_own():
    model = small()
    opened = open_model(model)
    assert list(opened.info) == [layer.name for layer in model.layers] and len(opened.info) == 3 and "c" in opened.info
    assert dict(opened.info) == {layer.name: layer.get_config() for layer in model.layers}
    for layer in model.layers:
        assert all(np.array_equal(a, b) for a, b in zip(opened.arrays[layer.name], layer.get_weights(), strict=True))
    assert opened.module is model and opened.framework == "keras" and opened.layout == "channels_last"
    assert (opened.input_size, opened.weights, opened.preprocessing) == ((16, 16, 3), "live", None)
    assert repr(opened.info) == repr(dict(opened.info)) and opened.info.get("nothing") is None
    with pytest.raises(UsageError, match="Nearest: c"):
        opened.info["cc"]


def test_weights_are_read_when_they_are_asked_for():
    model = small()
    opened = open_model(model)
    model.get_layer("d").set_weights([np.full((4, 3), 7.0), np.zeros(3)])
    assert (opened.arrays["d"][0] == 7).all()


def test_a_nested_model_is_named_outer_and_inner():
    model = nested()
    opened = open_model(model)
    assert "inner" in opened.layers and "inner/c" in opened.layers and "attention/query" in opened.layers
    assert opened.info["inner/c"] == model.get_layer("inner").get_layer("c").get_config()
    assert opened.paths[id(model.get_layer("inner").get_layer("c"))] == "inner/c"
    assert [path for path in opened.layers if "/" not in path] == [layer.name for layer in model.layers]
    assert all(opened.paths[id(layer)] == path for path, layer in opened.layers.items())


def test_a_layer_used_in_two_places_keeps_its_first_path():
    shared = layers.Dense(4, name="shared")
    one = keras.Sequential([keras.Input((4,)), shared], name="one")
    two = keras.Sequential([keras.Input((4,)), shared], name="two")
    x = keras.Input((4,))
    opened = open_model(keras.Model(x, two(one(x))))
    assert opened.paths[id(shared)] == "one/shared" and opened.layers["two/shared"] is shared


def test_opening_a_live_model_leaves_it_as_it_was():
    model = small()
    model.get_layer("c").trainable = False
    model.compile("sgd", "mse")

    def look():
        return [layer.trainable for layer in model.layers], model.compiled, model.built, sorted(vars(model))

    before, weights = look(), [w.copy() for w in model.get_weights()]
    state = torch.get_rng_state()
    opened = open_model(model)
    dict(opened.info), dict(opened.arrays)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights())) and look() == before
    assert torch.equal(state, torch.get_rng_state())


def test_a_model_without_weights_yet_is_not_built_for_its_owner():
    model = keras.Sequential([layers.Conv2D(4, 3)])
    with pytest.raises(InputRefused, match=r"build\(\(None, 224, 224, 3\)\)"):
        open_model(model)
    assert not model.built


def test_a_layer_alone_is_no_model():
    with pytest.raises(UsageError, match="a Keras layer, not a model"):
        open_model(layers.Dense(3))


def test_another_backend_is_said_with_the_way_out(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    for source in (small(), "keras:VGG16"):
        with pytest.raises(EnvironmentLacks, match="KERAS_BACKEND=torch before keras is imported"):
            open_model(source)


def test_keras_that_is_not_installed_is_one_sentence_with_the_extra(monkeypatch, tmp_path):
    small().save(tmp_path / "m.keras")
    monkeypatch.setitem(sys.modules, "keras", None)  # what Python itself does for a module that can't be imported
    for source in (tmp_path / "m.keras", "keras:VGG16"):
        with pytest.raises(EnvironmentLacks, match=r"pip install 'seethrough\[keras\]'") as lacks:
            open_model(source)
        assert lacks.value.exit_code == 4


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_saved_model_answers_as_the_one_that_was_saved(tmp_path, suffix):
    model = nested()
    model.save(tmp_path / f"m.{suffix}")
    shutil.copy(tmp_path / f"m.{suffix}", tmp_path / "renamed.bin")
    for name in (f"m.{suffix}", "renamed.bin"):
        opened = open_model(str(tmp_path / name), classes=["no", "yes"])
        assert same_answers(model, opened.module) and opened.weights == name and opened.classes == ("no", "yes")
        assert len(opened.provenance["file_sha256"]) == 64 and opened.notes == ()
        assert {str(w.value.device) for w in opened.module.weights} == {"cpu"}


def test_compiled_models_open_whatever_they_were_trained_with(tmp_path):
    def own_loss(truth, answer):
        return ((truth - answer) ** 2).mean()

    inner = small()
    inner.compile("adam", own_loss)
    model = keras.Sequential([keras.Input((16, 16, 3)), inner, layers.Softmax()])
    model.compile("adam", own_loss)
    model.save(tmp_path / "m.keras")
    assert same_answers(model, open_model(tmp_path / "m.keras").module)


def test_names_must_be_one_an_output():
    with pytest.raises(UsageError, match="3 outputs, and 2 names"):
        open_model(small(), classes=["a", "b"])


# What a file may hide.


def rewritten(path, target, configuration=None, weights=None, add=()):
    """A ``.keras`` archive with parts exchanged."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json" and configuration is not None:
                data = configuration(data.decode()).encode()
            if name == "model.weights.h5" and weights is not None:
                data = weights.read_bytes()
            new.writestr(name, data)
        for name in add:
            new.writestr(name, b"x")
    return target


@pytest.fixture
def saved(tmp_path):
    small().save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_lambda_layer_is_refused_by_name_and_runs_only_when_allowed(tmp_path, suffix):
    mark = tmp_path / "ran"
    body = f"lambda x: (open({str(mark)!r}, 'w').close(), x)[1]"
    evil = layers.Lambda(eval(body), output_shape=(4,), name="evil")
    model = keras.Sequential([keras.Input((4,)), evil, layers.Dense(2)])
    model.save(tmp_path / f"m.{suffix}")
    mark.unlink(missing_ok=True)
    with pytest.raises(InputRefused, match=r"'evil' is a Lambda.*allow_code=True") as refused:
        open_model(tmp_path / f"m.{suffix}")
    assert not mark.exists() and refused.value.exit_code == 3
    opened = open_model(tmp_path / f"m.{suffix}", allow_code=True)
    assert same_answers(model, opened.module, (2, 4)) and mark.exists()


def test_a_custom_layer_is_refused_although_its_class_is_registered(tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Doubled(layers.Layer):
        def call(self, x):
            return x * 2

    model = keras.Sequential([keras.Input((4,)), Doubled(name="own"), layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(InputRefused, match="'own' is of the custom class 'mine>Doubled'"):
        open_model(tmp_path / "m.keras")
    assert same_answers(model, open_model(tmp_path / "m.keras", allow_code=True).module, (2, 4))


def test_a_configuration_larger_than_the_stored_weights_allocates_nothing(saved, tmp_path):
    # 4 × 10⁹ × 4 bytes, if it were believed.
    path = rewritten(saved, tmp_path / "huge.keras", lambda text: text.replace('"units": 3', '"units": 1000000000'))
    with pytest.raises(InputRefused, match=r"'d' declares at least 1,000,000,000 weights, and the file stores 127"):
        open_model(path)


def test_a_member_outside_the_archive_and_a_link_outside_the_weights_are_refused(saved, tmp_path):
    with pytest.raises(InputRefused, match="outside it"):
        open_model(rewritten(saved, tmp_path / "a.keras", add=("../../evil",)))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(InputRefused, match="a link 'layers' to elsewhere"):
        open_model(rewritten(saved, tmp_path / "b.keras", weights=tmp_path / "link.h5"))
    with pytest.raises(InputRefused, match="a link 'layers' to elsewhere"):
        open_model(tmp_path / "link.h5")


def test_broken_parts_are_refused_in_one_sentence(saved, tmp_path):
    for name, change in (("json", lambda text: text[:-5]), ("list", lambda text: "[]"), ("empty", lambda text: "{}")):
        with pytest.raises(InputRefused) as refused:
            open_model(rewritten(saved, tmp_path / f"{name}.keras", change))
        assert "\n" not in str(refused.value)
    data = saved.read_bytes()
    (tmp_path / "cut.keras").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputRefused, match="broken archive"):
        open_model(tmp_path / "cut.keras")


def test_weights_without_an_architecture_say_so(tmp_path):
    small().save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(UsageError, match="weights and no architecture"):
        open_model(tmp_path / "m.weights.h5")


def test_weights_that_are_no_numbers_are_an_error_that_names_the_layer():
    model = small()
    model.get_layer("d").set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    (note,) = open_model(model).notes
    assert (note.name, note.level, note.numbers) == ("weights_not_finite", "error", {"layer": "d", "layers": 1})


# Networks by name.


def test_a_network_by_name_is_random_without_weights_and_never_downloads(monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("a download")

    monkeypatch.setattr("socket.socket.connect", no_network)
    opened = open_model("keras:MobileNet")
    assert (opened.source, opened.weights, opened.notes[0].name) == ("keras:MobileNet", "random", "random_weights")
    assert (opened.input_size, opened.classes) == ((224, 224, 3), imagenet_names())
    assert opened.preprocessing.name == "tf"
    other = open_model("keras:MobileNetV2", weights="none", input_size=96, classes=["a", "b"])
    assert other.input_size == (96, 96, 3) and other.module.output_shape == (None, 2) and other.classes == ("a", "b")


def test_a_download_that_fails_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def fail(*args, **kwargs):
        raise Exception(
            "URL fetch failure on https://example.org/w.h5: None -- [Errno -3] Temporary failure in name resolution"
        )

    monkeypatch.setattr(keras.utils.get_file.__module__ + ".urlretrieve", fail)
    monkeypatch.setattr(keras.config, "keras_home", lambda: str(tmp_path), raising=False)
    with pytest.raises(EnvironmentLacks, match=r"couldn't be downloaded.*weights=None") as lacks:
        open_model("keras:MobileNet", weights="imagenet", input_size=128)
    assert lacks.value.exit_code == 4 and "\n" not in str(lacks.value)


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(UsageError, match=r"no architecture 'VGG17'\. Nearest: (VGG16, VGG19|VGG19, VGG16)"):
        open_model("keras:VGG17")
    with pytest.raises(UsageError, match="can't build NASNetMobile on its torch backend"):
        open_model("keras:NASNetMobile")


@pytest.mark.parametrize("layout", ["keras", "weights.h5"])
def test_weights_of_a_file_are_loaded_into_a_network_by_name(tmp_path, layout):
    model = keras.applications.MobileNet(weights=None, alpha=1.0, input_shape=(32, 32, 3), classes=4)
    path = tmp_path / f"m.{layout}"
    model.save(path) if layout == "keras" else model.save_weights(path)
    shutil.copy(path, tmp_path / "any name")
    opened = open_model("keras:MobileNet", weights=tmp_path / "any name", input_size=32, classes=list("abcd"))
    assert same_answers(model, opened.module, (1, 32, 32, 3)) and opened.notes == ()


def test_older_weights_by_layer_name_are_loaded_too(tmp_path):
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=4)
    model.save(tmp_path / "m.h5")  # holds them under model_weights, as files of Keras 2 do
    opened = open_model("keras:MobileNet", weights=tmp_path / "m.h5", input_size=32, classes=list("abcd"))
    assert same_answers(model, opened.module, (1, 32, 32, 3))


@pytest.mark.parametrize("suffix", ["weights.h5", "h5"])
def test_weights_that_do_not_fit_name_the_first_five(tmp_path, suffix):
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=7, alpha=0.25)
    path = tmp_path / f"m.{suffix}"
    model.save_weights(path) if suffix == "weights.h5" else model.save(path)
    with pytest.raises(InputRefused, match=r"0 missing, 0 unexpected, .* of another shape") as refused:
        open_model("keras:MobileNet", weights=path, input_size=32, classes=list("abcd"))
    assert str(refused.value).count(", not (") == 5
    assert "conv1/0 is (3, 3, 3, 8), not (3, 3, 3, 32)" in str(refused.value)


@pytest.mark.parametrize("family", KERAS_FAMILIES)
def test_the_known_preprocessing_is_that_of_the_application_module(family):
    from seethrough.images import USUAL, prepare
    from seethrough.results import Picture

    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    ours, _ = prepare([Picture(pixels, "p")], USUAL[KERAS_FAMILIES[family]], (14, 14, 3), "channels_last")
    plain, _ = prepare([Picture(pixels, "p")], USUAL["raw"], (14, 14, 3), "channels_last")
    theirs = getattr(keras.applications, family).preprocess_input(plain.numpy().copy())
    assert np.allclose(ours.numpy(), theirs, atol=1e-4)


def test_every_application_belongs_to_a_known_family():
    from seethrough.models.keras import applications

    families = {getattr(keras.applications, name).__module__.rpartition(".")[2] for name in applications()}
    assert families <= set(KERAS_FAMILIES) and len(applications()) >= 36


@pytest.mark.parametrize(
    "first, expected",
    [
        (layers.Rescaling(1 / 255), "raw"),
        (layers.Rescaling(1 / 127.5, offset=-1), "raw"),
        (layers.Rescaling(2.0, offset=-1), "unit"),
        (layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.05, 0.05]), "unit"),
        (layers.Normalization(mean=120.0, variance=9.0), "raw"),
        (layers.RandomFlip(), None),
    ],
)
def test_preprocessing_is_read_from_a_layer_that_does_it_inside(first, expected):
    model = keras.Sequential([keras.Input((16, 16, 3)), first, layers.Conv2D(2, 3), layers.Rescaling(1 / 255)])
    found = open_model(keras.Sequential([keras.Input((16, 16, 3)), model])).preprocessing
    assert (found and found.name) == expected


def test_preprocess_input_inside_a_functional_model_is_seen():
    image = keras.Input((32, 32, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(image)
    assert open_model(keras.Model(image, layers.Conv2D(2, 3)(x))).preprocessing.name == "raw"


def test_a_grey_network_wants_grey_pictures():
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3)])
    assert open_model(model).preprocessing.channels == "L"


def test_channels_first_models_are_known_as_such():
    model = keras.Sequential([keras.Input((3, 16, 16)), layers.Conv2D(2, 3, data_format="channels_first")])
    opened = open_model(model)
    assert opened.layout == "channels_first" and opened.input_size == (3, 16, 16)


def test_an_input_of_any_size_is_not_guessed():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert open_model(model).input_size is None and open_model(model, input_size=64).input_size == (64, 64, 3)


def test_a_usual_preprocessing_is_fitted_to_a_grey_network():
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(2, 3)])
    assert open_model(model, preprocessing="unit").preprocessing.channels == "L"


def test_weights_that_are_not_there_are_said_before_a_network_is_built(monkeypatch):
    monkeypatch.setattr(keras.applications, "MobileNet", None)
    with pytest.raises(UsageError, match="no architecture 'MobileNet'"):
        open_model("keras:MobileNet")
    with pytest.raises(InputRefused, match="weights are 'imagenet', a file, or None"):
        open_model("keras:MobileNetV2", weights="imagnet")


def test_weights_that_are_no_numbers_are_found_inside_an_attention_layer():
    model = nested()
    query = model.get_layer("attention").query_dense
    query.kernel.assign(np.full(query.kernel.shape, np.inf))
    (note,) = open_model(model).notes
    assert note.numbers == {"layer": "attention/query", "layers": 1}
