"""The door to Hugging Face: folders that transformers saved, kinds of networks, and what no folder may make us do."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from pictures import pictures
from safetensors.torch import load_file

from seethrough.errors import EnvironmentLacks, InputRefused, UsageError
from seethrough.images import load_pictures, prepare
from seethrough.models import open_model
from seethrough.models.torchvision_import import make_torchvision_importable
from seethrough.network import open as open_network

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers isn't installed (the extra 'hf')", allow_module_level=True)

make_torchvision_importable()
import transformers  # noqa: E402

from seethrough.models.huggingface import TASKS  # noqa: E402
from seethrough.models.processors import preprocessing_of  # noqa: E402

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
NAMES = ("snow leopard", "leopard", "lynx")


def small_vit(**settings):
    torch.manual_seed(0)
    named = {"id2label": dict(enumerate(NAMES)), "label2id": {name: i for i, name in enumerate(NAMES)}}
    return transformers.ViTForImageClassification(
        transformers.ViTConfig(**SMALL, image_size=64, **named, **settings)
    ).eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small network with its processor, as transformers saves them."""
    folder = tmp_path_factory.mktemp("vit")
    network = small_vit()
    network.save_pretrained(folder)
    processor().save_pretrained(folder)
    return folder, network


def processor(**settings):
    kind = importlib.import_module("transformers.models.vit.image_processing_pil_vit").ViTImageProcessorPil
    return kind(
        size={"height": 64, "width": 64}, resample=3, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.25], **settings
    )


def answers_of(network, pixels):
    with torch.no_grad():
        return network(pixels).logits


def copied(saved, folder, **changes):
    """The saved network again, with another configuration."""
    for file in saved[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


@pytest.mark.parametrize("named", ["hf:{}", "{}"])
def test_a_folder_brings_size_names_and_its_processors_preprocessing_and_answers_as_it_was_saved(saved, named):
    folder, network = saved
    net = open_network(named.format(folder))
    assert net.classes == NAMES and net.input_size == (3, 64, 64)
    assert (net.opened.task, net.opened.output, net.opened.module.training) == ("classification", "logits", False)
    assert [n.name for n in net.opened.notes if n.level != "info"] == []
    for image in pictures()[:2]:
        theirs = processor()(image, return_tensors="pt")["pixel_values"]
        assert np.allclose(net.predict(image).values, answers_of(network, theirs).numpy(), atol=1e-4)


@pytest.mark.parametrize("form", ["parts", "bin", "bin parts"])
def test_weights_in_parts_and_in_checked_pickles_are_the_same_weights(saved, tmp_path, form):
    folder = copied(saved, tmp_path)
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    if form == "parts":
        saved[1].save_pretrained(folder, max_shard_size="40KB")
        assert len(list(folder.glob("model-*.safetensors"))) > 1
    elif form == "bin":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        halves = list(state)[::2], list(state)[1::2]
        for i, keys in enumerate(halves):
            torch.save({key: state[key] for key in keys}, folder / f"part{i}.bin")
        index = {"weight_map": {key: f"part{i}.bin" for i, keys in enumerate(halves) for key in keys}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    pixels = torch.rand(2, 3, 64, 64)
    assert torch.equal(answers_of(open_model(folder).module, pixels), answers_of(saved[1], pixels))


class Trap:
    def __reduce__(self):
        return print, ("it ran",)


def test_a_pickle_that_would_run_code_is_refused(saved, tmp_path, capsys):
    folder = copied(saved, tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({"a": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(InputRefused, match="would run code"):
        open_model(folder)
    assert "it ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"auto_map": {"AutoModel": "mine.Net"}}, r"code of its own \(mine\.Net\).*--allow-code"),
        ({"quantization_config": {"quant_method": "gptq"}}, r"quantized \(gptq\)"),
        ({"_attn_implementation": "owner/kernel"}, "compiled code from elsewhere"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers = 1000000000"),
        ({"hidden_size": 2**20}, "describes [0-9,]+ weights, and its files hold"),
        ({"num_hidden_layers": 3}, r"\d+ missing, 0 of another shape\. First: vit\.\S+ missing"),
        (
            {"image_size": 96},
            r"0 missing, 1 of another shape\. First: \S+position_embeddings is \(1, 17, 32\), not \(1, 37, 32\)",
        ),
        ({"architectures": ["ViTForWishes"]}, "has no network 'ViTForWishes'"),
        ({"architectures": ["BertModel"]}, "takes input_ids and not pictures"),
        ({"architectures": None}, "names no architecture"),
        ({"hidden_size": "wide"}, "transformers can't build the network"),
    ],
)
def test_a_configuration_that_asks_for_what_it_may_not_have_is_refused_in_a_sentence(saved, tmp_path, changes, says):
    with pytest.raises((InputRefused, UsageError), match=says):
        open_model(copied(saved, tmp_path, **changes))


def test_code_that_comes_with_a_network_runs_only_when_it_is_allowed(saved, tmp_path, monkeypatch):
    folder = copied(saved, tmp_path, auto_map={"AutoModelForImageClassification": "mine.Mine"}, architectures=["Mine"])
    (folder / "mine.py").write_text(
        "from transformers import ViTForImageClassification\nclass Mine(ViTForImageClassification):\n    own = True\n"
    )
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    with pytest.raises(InputRefused, match=r"code of its own \(mine\.Mine\)"):
        open_model(folder)
    opened = open_model(folder, allow_code=True)
    pixels = torch.rand(1, 3, 64, 64)
    assert opened.module.own and torch.equal(answers_of(opened.module, pixels), answers_of(saved[1], pixels))


def test_a_part_outside_the_folder_and_a_missing_part_are_refused(saved, tmp_path):
    folder = copied(saved, tmp_path)
    (folder / "model.safetensors").unlink()
    for part, says in (("../../secret.safetensors", "outside the folder"), ("part.safetensors", "isn't there")):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": part}}))
        with pytest.raises(InputRefused, match=says):
            open_model(folder)


def test_a_processor_that_declares_a_vast_size_is_refused_before_it_runs(saved, tmp_path):
    folder = copied(saved, tmp_path)
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings["size"] = {"height": 10**6, "width": 10**6}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(InputRefused, match="height = 1000000"):
        open_model(folder)


def test_folders_that_hold_no_network_or_several_say_so(tmp_path):
    empty, several, one, unpacked, timms, saved_model = (tmp_path / name for name in "abcdef")
    for folder in (empty, several / "x", several / "y", one, unpacked, timms, saved_model):
        folder.mkdir(parents=True)
    for name in "xy":
        (several / name / "config.json").write_text("{}")
    (one / "net.keras").write_bytes(b"PK")
    (unpacked / "config.json").write_text('{"class_name": "Functional"}')
    (timms / "config.json").write_text('{"architecture": "resnet18"}')
    (saved_model / "saved_model.pb").write_bytes(b"x")
    for folder, says in (
        (empty, "a folder without a network"),
        (several, r"holds 2 networks \(x, y\)"),
        (one, r"holds the network net\.keras; name that"),
        (unpacked, "a .keras file that was unpacked"),
        (timms, "architecture='timm:resnet18'"),
        (saved_model, "SavedModel"),
    ):
        with pytest.raises(InputRefused, match=says):
            open_model(folder)


def test_networks_of_pictures_and_words_are_opened_as_the_part_that_sees(tmp_path):
    text = {**SMALL, "vocab_size": 50, "eos_token_id": 49, "bos_token_id": 48, "pad_token_id": 1}
    config = transformers.CLIPConfig(
        vision_config={**SMALL, "image_size": 32, "patch_size": 8}, text_config=text, projection_dim=16
    )
    torch.manual_seed(0)
    network = transformers.CLIPModel(config).eval()
    network.save_pretrained(tmp_path)
    opened = open_model(tmp_path)
    assert (opened.task, opened.output, opened.input_size) == ("embedding", "image_embeds", (3, 32, 32))
    pixels = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        found = opened.module(pixels).image_embeds
        expected = network.visual_projection(network.vision_model(pixels).pooler_output)
    assert torch.allclose(found, expected, atol=1e-5)


def test_segmentation_and_detection_say_what_they_are(tmp_path):
    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 1, 1], decoder_hidden_size=16,
        id2label={0: "ground", 1: "leopard"}, label2id={"ground": 0, "leopard": 1}, image_size=64,
    )  # fmt: skip
    transformers.SegformerForSemanticSegmentation(config).save_pretrained(tmp_path)
    opened = open_model(tmp_path)
    assert (opened.task, opened.classes, opened.input_size) == ("segmentation", ("ground", "leopard"), (3, 64, 64))
    assert opened.preprocessing is None  # the folder holds no processor


def test_a_kind_is_opened_in_its_usual_build_offline_and_with_as_many_outputs_as_names(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    opened = open_model("hf:levit", classes=NAMES)
    assert opened.weights == "random" and opened.classes == NAMES and opened.task == "classification"
    assert "random_weights" in [note.name for note in opened.notes]
    with torch.no_grad():
        assert opened.module(torch.zeros(1, *opened.input_size)).logits.shape == (1, 3)
    assert open_model("hf:levit", task="embedding").task == "embedding"


def unreachable(*_, **__):
    raise OSError("no such host")


def test_a_name_of_the_hub_that_is_not_here_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for weights in (None, "imagenet"):
        with pytest.raises(EnvironmentLacks, match="connect to the internet once, or copy its folder here"):
            open_model("hf:google/vit-base-patch16-224", weights=weights)


def test_a_name_of_the_hub_that_was_fetched_before_opens_without_a_connection(saved, monkeypatch, tmp_path):
    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "models--someone--leopards"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text(commit)
    (kept / "snapshots" / commit).mkdir(parents=True)
    copied(saved, kept / "snapshots" / commit)
    opened = open_model("hf:someone/leopards", weights="imagenet")
    assert (opened.source, opened.weights, opened.classes) == ("hf:someone/leopards", "pretrained", NAMES)
    pixels = torch.rand(1, 3, 64, 64)
    assert torch.equal(answers_of(opened.module, pixels), answers_of(saved[1], pixels))
    drawn = open_model("hf:someone/leopards")
    assert drawn.weights == "random" and not torch.equal(answers_of(drawn.module, pixels), answers_of(saved[1], pixels))
    assert drawn.preprocessing == opened.preprocessing and drawn.input_size == (3, 64, 64)


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("vitt", {}, r"no kind of image network 'vitt'\. Nearest: vit, "),
        ("vit", {"weights": "imagenet"}, "which has no weights of its own"),
        ("imagegpt", {}, "takes input_ids and not pictures alone"),
        ("vit", {"task": "detection"}, "hf:vit has no network for detection; it has: classification, embedding"),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(name, options, says):
    with pytest.raises(UsageError, match=says):
        open_model(f"hf:{name}", **options)


def processors():
    table = importlib.import_module("transformers.models.auto.image_processing_auto").IMAGE_PROCESSOR_MAPPING_NAMES
    kinds = importlib.import_module("transformers.models.auto.modeling_auto")
    wanted = [kind for task in ("classification", "segmentation") for kind in getattr(kinds, TASKS[task])]
    names = dict.fromkeys(table[kind]["pil"] for kind in wanted if "pil" in table.get(kind, {}))
    slow = ("Donut", "TimmWrapper")  # five megapixels; no processor without a network
    return [name for name in names if not name.startswith(slow)]


def test_preparation_measured_off_a_processor_is_the_processors_own():
    """For every processor of a classifying or segmenting network, on pictures that it wasn't measured on."""
    images, same = pictures(), []
    for name in processors():
        theirs = getattr(transformers, name)()
        measured = preprocessing_of(theirs)
        if measured is None or measured[0].assumed:
            continue
        same.append(name)
        for image in images[:2]:
            ours, _ = prepare(load_pictures(image), measured[0], measured[1], "channels_first")
            apart = ours - theirs(images=image, return_tensors="pt")["pixel_values"]
            levels = (apart * torch.tensor(measured[0].std).reshape(3, 1, 1)).abs().max() * 255
            assert levels <= 0.51, name  # half a grey level, by rounding
    assert len(same) >= 13, same
