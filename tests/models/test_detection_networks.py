"""Detection transformers give plain tensors, and are written down whole: their queries are places, their classes outputs."""

import numpy as np
import pytest
import torch

from seethrough import explain
from seethrough import open as open_network
from seethrough.errors import EnvironmentLacks
from seethrough.models.torchvision_import import import_torchvision


def _transformers():
    try:
        import_torchvision()
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    return pytest.importorskip("transformers")


def yolos():
    t = _transformers()
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return t.YolosForObjectDetection(
        t.YolosConfig(**size, image_size=[32, 32], patch_size=8, num_detection_tokens=6, num_labels=4)
    )


def detr():
    t = _transformers()
    backbone = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], out_features=["stage2"])
    layers = {f"{part}_{what}": 1 for part in ("encoder", "decoder") for what in ("layers", "attention_heads")}
    sizes = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": 6, "num_labels": 4}
    own = {"use_timm_backbone": False, "use_pretrained_backbone": False}
    return t.DetrForObjectDetection(t.DetrConfig(backbone_config=backbone, **own, **layers, **sizes))


@pytest.mark.parametrize("build", [yolos, detr])
def test_a_detection_transformer_is_written_down_whole(build):
    torch.manual_seed(0)
    module, x = build().eval(), torch.randn(2, 3, 32, 32)
    net = open_network(module, input_size=32, task="detection")
    prediction, logits = net.predict(x), module(x).logits.detach()
    assert net.source.why_not(x) == ("any batch", ())
    assert np.allclose(prediction.values, logits.mean(1), atol=1e-5), "the mean over the queries"
    (note,) = (n for n in prediction.notes if n.name == "output_chosen")
    assert note.numbers["output"] == "logits" and note.numbers["others"].startswith("pred_boxes")
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(leaf).logits.mean(1)[:, 3].sum(), leaf)
    found = explain(net, x, ["saliency"], 3)["saliency"]
    assert np.allclose(found.values, gradient, rtol=1e-3, atol=1e-6)
