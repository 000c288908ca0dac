"""What is said of activations is true of the numbers, in both languages; the figure shows the strongest channels first."""

import re
import string
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn as nn

import seethrough as st
from seethrough.features.activation_measures import measure
from seethrough.features.activations import LayerActivations
from seethrough.show import activations_words as words
from seethrough.show.activations_figure import draw, limits_of
from seethrough.show.language import Both
from seethrough.show.tiles_words import TILES

TEXTS = [*TILES.values(), *words.SCALE.values(), *(t for t in vars(words).values() if isinstance(t, Both))]


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 40, 3, padding=1), nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 5),
    )  # fmt: skip
    with torch.no_grad():
        net[3].bias[:3], net[3].bias[3] = -100, 100
    images = torch.rand(3, 3, 24, 32)
    return st.activations(st.open(net.eval(), input_size=(3, 24, 32), preprocessing="unit"), images, ["1", "4", "7"])


def layer_of(values, **more):
    values = torch.as_tensor(values, dtype=torch.float32)
    given = {"function": "relu", "rectified": True, **more}
    return LayerActivations("layer", "Conv", channels=np.arange(values.shape[1]), maps=values.numpy(), values=None,
                            measures=measure(values, None), field=None, **given)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.en[:30])
def test_both_languages_say_something_and_speak_of_the_same_numbers(text):
    assert text.en.strip() and text.zh.strip()
    places = [sorted(name for _, name, _, _ in string.Formatter().parse(t) if name) for t in (text.en, text.zh)]
    assert places[0] == places[1]


def test_what_is_silent_and_saturated_is_counted(found):
    sentence = words.said(found).en
    silent = sum((layer.measures.max == 0).all(0).sum() for layer in found.values() if layer.rectified)
    most = int((found["4"].measures.max == 0).all(0).sum())
    assert most >= 3
    assert "3 layers with 51 channels" in sentence
    assert f"{silent} channels are zero everywhere on every one of the 3 pictures" in sentence
    assert f"most of them in 4 ({most} of 40)" in sentence
    assert f"silent here: {most} of 40 channels" in words.caption(found["4"]).en
    ended = float((torch.as_tensor(found["4"].maps) >= 6).float().mean())
    assert words.saturated_of(found["4"]) == pytest.approx(ended, abs=1e-6) and ended >= 1 / 40
    assert "at an end of relu6" in words.caption(found["4"]).en


def test_half_of_the_activation_is_counted_from_the_strongest():
    values = np.zeros((1, 5, 2, 2))
    values[0, :, 0, 0] = [1, 7, 2, 1, 1]
    assert words.half_from(layer_of(values)) == 1
    assert words.half_from(layer_of(np.ones((1, 6, 2, 2)))) == 3
    assert words.half_from(layer_of(np.zeros((1, 6, 2, 2)))) == 0


def test_a_channel_that_answers_to_the_border_is_named():
    values = np.full((1, 3, 28, 28), 0.1)
    values[0, 1] = 0
    values[0, 1, 0] = 1
    assert words.rim_of(layer_of(values)).tolist() == [1]
    assert "channel 1 answers mostly to the border" in words.caption(layer_of(values)).en
    assert re.search(
        r"9\d\.?\d? % on the border|100 % on the border", words.remarks(layer_of(values))[1].en.replace("\u00a0", " ")
    )
    assert words.rim_of(layer_of(values[:, :, :8, :8])).tolist() == []


def test_the_share_of_zeros_is_compared_only_where_it_rises(found):
    sparse, dense = np.zeros((1, 2, 4, 4)), np.ones((1, 2, 4, 4))
    rising = replace(found, layers={"a": layer_of(dense), "b": layer_of(sparse)})
    assert "rises from 0 % in layer to 100 %" in words.said(rising).en
    assert "rises" not in words.said(replace(found, layers={"a": layer_of(sparse), "b": layer_of(dense)})).en


def test_a_scale_is_shared_as_was_asked(found):
    strongest = [float(np.abs(layer.drawn.mean(0)).max()) for layer in found.values()]
    unit, layer, network = (limits_of(replace(found, scale=scale)) for scale in ("unit", "layer", "network"))
    for k, (own, of) in enumerate(zip(unit, found.values())):
        assert own[:, 0, 0] == pytest.approx(np.abs(of.drawn.mean(0)).max((1, 2)))
        assert float(layer[k].max()) <= strongest[k] * (1 + 1e-6)
        assert float(network[k].max()) == max(float(end.max()) for end in layer)


@pytest.mark.parametrize("scale", ["unit", "layer", "network"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_names_layers_and_their_strongest_channels(found, scale, language):
    figure = found.plot(language=language, scale=scale)
    texts = [text.get_text() for text in figure.texts]
    assert "1" in texts and "4" in texts and "7" in texts
    strongest = str(int(found["4"].measures.strength.mean(0).argmax()))
    assert strongest in texts[texts.index("4") :]
    assert len(figure.axes) > 3 + 6 + 32


def test_random_weights_are_never_drawn_without_a_watermark(found):
    from seethrough.results import Note

    marked = replace(found, notes=(Note("random_weights", "warning", {"architecture": "x"}),))
    assert "RANDOM WEIGHTS" in [text.get_text() for text in draw(marked).texts]
    from seethrough.report.activations_page import activations_page

    assert "RANDOM WEIGHTS" in activations_page(marked).html()


def test_a_batch_can_be_looked_at_image_by_image_and_as_mean_and_spread(found):
    from seethrough.report.activations_page import activations_page

    (tiles,) = activations_page(found).sections[1].blocks
    assert len(tiles.frames) == 5 and [frame.picture is None for frame in tiles.frames] == [False] * 3 + [True] * 2
    for tile_set, layer in zip(tiles.sets, found.values()):
        assert np.array_equal(tile_set.maps[:3], layer.drawn)
        assert tile_set.maps[3] == pytest.approx(layer.drawn.mean(0)) and tile_set.maps[4] == pytest.approx(
            layer.drawn.std(0)
        )


def test_npz_of_what_was_not_kept_is_refused(found, tmp_path):
    from seethrough.errors import UsageError

    with pytest.raises(UsageError, match=r"activations\(…, values=True\)"):
        found.save(tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def test_it_shows_itself_in_a_notebook(found):
    html = found._repr_html_()
    assert html.startswith('<img src="data:image/png;base64,') and "3 layers with 51 channels" in html
