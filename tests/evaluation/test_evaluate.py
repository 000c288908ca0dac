"""Evaluate: methods × metrics × pictures, on a network whose truth is known, and what becomes of a bad picture."""

import csv
import io
import json

import numpy as np
import pytest
from evaluation_material import SIDE, Reds, spot
from PIL import Image

import seethrough as st
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.evaluation import METRICS
from seethrough.evaluation.evaluate import chosen_metrics


@pytest.fixture
def net():
    return st.open(Reds().eval(), input_size=(3, SIDE, SIDE), preprocessing="unit", classes=["red", "blue"])


@pytest.fixture
def spots():
    pairs = [spot(seed) for seed in range(3)]
    return [p for p, _ in pairs], [m for _, m in pairs]


def test_a_map_that_is_right_is_better_than_those_that_know_nothing(net, spots):
    pictures, masks = spots
    metrics = ["pointing_game", "attribution_localisation", "auc", "insertion", "deletion", "faithfulness_correlation"]
    found = st.evaluate(net, pictures, ["input_x_gradient", "occlusion"], metrics, "red", masks=masks)
    assert found.methods == ("input_x_gradient", "occlusion", "random", "blurred", "centre", "edges")
    assert found.values.shape == (6, 6, 3) and found.images == ("image 1", "image 2", "image 3")
    assert found.targets == ("red",) * 3 and found.nulls == 4
    means = {m: found.means[:, k] for k, m in enumerate(metrics)}
    assert means["pointing_game"][0] == 1 and means["auc"][0] == 1
    for metric in ("insertion", "faithfulness_correlation", "attribution_localisation"):
        assert means[metric][0] > means[metric][2:].max(), metric
    assert means["deletion"][0] < means["deletion"][2:].min()
    assert found.best("auc") == "input_x_gradient"
    assert np.isfinite(found.errors).all() and (found.seconds[:2] > 0).all()
    assert found.passes[0] == st.explain(net, pictures[0], "input_x_gradient")["input_x_gradient"].passes


def test_every_metric_says_a_number_of_every_method_that_it_is_defined_for(net, spots):
    pictures, masks = spots
    found = st.evaluate(
        net, pictures[:1], ["saliency", "gradcam", "integrated_gradients"], "all", masks=masks[:1], steps=4, samples=2,
        layer="pick",
    )  # fmt: skip
    assert found.metrics == tuple(METRICS)
    for k, metric in enumerate(found.metrics):
        for i, method in enumerate(found.methods[:3]):
            measures = "slope" if method == "saliency" else "target"
            defined = measures in METRICS[metric].measures
            assert np.isfinite(found.values[i, k, 0]) == defined, (metric, method)
    completeness = found.metrics.index("completeness")
    assert found.values[2, completeness, 0] < 0.1 and np.isnan(found.values[0, completeness, 0])


def test_a_pictures_numbers_do_not_depend_on_its_company(net, spots):
    pictures, masks = spots
    metrics = ["insertion", "faithfulness_correlation", "emprt", "max_sensitivity", "auc"]
    together = st.evaluate(net, pictures, "saliency", metrics, masks=masks)
    alone = st.evaluate(net, pictures[1:2], "saliency", metrics, masks=masks[1:2])
    np.testing.assert_array_equal(together.values[:, :, 1:2], alone.values)


def test_what_cannot_be_read_is_passed_by_and_named(net, spots, tmp_path):
    for i, picture in enumerate(spots[0]):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    found = st.evaluate(net, tmp_path, "saliency", "sparseness", nulls=False)
    assert found.images == ("0.png", "2.png") and [p.name for p in found.passed] == ["1.png"]
    for i in (0, 2):
        (tmp_path / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(InputRefused, match="Not one of 3 pictures"):
        st.evaluate(net, tmp_path, "saliency", "sparseness")


def test_masks_come_from_a_folder_a_list_or_a_file_and_boxes_from_a_file(net, spots, tmp_path):
    pictures, masks = spots
    photos, drawn = tmp_path / "photos", tmp_path / "drawn"
    photos.mkdir(), drawn.mkdir()
    lines, boxes = ["image,mask"], ["file,x0,y0,x1,y1"]
    for i, (picture, mask) in enumerate(zip(pictures, masks)):
        Image.fromarray(picture).save(photos / f"{i}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(drawn / f"{i}.png")
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        lines.append(f"{i}.png,drawn/{i}.png")
        boxes.append(f"{i}.png,{columns[0]},{rows[0]},{columns[-1]},{rows[-1]}")
    (tmp_path / "masks.csv").write_text("\n".join(lines), "utf-8")
    (tmp_path / "boxes.csv").write_text("\n".join(boxes), "utf-8")
    ways = [
        {"masks": masks}, {"masks": drawn}, {"masks": tmp_path / "masks.csv"}, {"boxes": tmp_path / "boxes.csv"},
        {"masks": {f"{i}.png": m for i, m in enumerate(masks)}},
    ]  # fmt: skip
    found = [st.evaluate(net, photos, "occlusion", "localisation", nulls=False, **way).values for way in ways]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


def test_the_object_is_looked_for_on_the_pixels_of_the_picture_that_was_given(net):
    """An oblong picture whose object is left of what the network sees."""
    picture = np.full((48, 96, 3), 100, np.uint8)
    picture[20:28, 40:56] = (220, 30, 30)
    mask, outside = np.zeros((2, 48, 96), bool)
    mask[20:28, 40:56], outside[:, :10] = True, True
    found = st.evaluate(net, [picture] * 2, "input_x_gradient", "localisation", masks=[mask, outside], nulls=False)
    k = found.metrics.index("pointing_game")
    assert found.values[0, k, 0] == 1 and np.isnan(found.values[0, k, 1])


def test_the_class_of_each_picture_can_be_asked_about(net, spots, tmp_path):
    for name, picture in zip(("red", "blue", "red"), spots[0]):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / name / f"{len(list((tmp_path / name).iterdir()))}.png")
    found = st.evaluate(net, tmp_path, "saliency", "sparseness", "truth", nulls=False)
    assert found.targets == ("blue", "red", "red")
    with pytest.raises(UsageError, match="really is"):
        st.evaluate(net, spots[0], "saliency", "sparseness", "truth")


def test_settings_go_to_those_that_have_them(net, spots):
    picture = spots[0][:1]
    few, many = (
        st.evaluate(net, picture, "saliency", "deletion", nulls=False, **{"deletion.steps": n}).values[0, 0, 0]
        for n in (2, 64)
    )
    assert few != many
    with pytest.raises(UsageError, match="No setting of deletion is called 'step'"):
        st.evaluate(net, picture, "saliency", "deletion", **{"deletion.step": 3})
    with pytest.raises(UsageError, match="No setting of saliency is called 'windows'"):
        st.evaluate(net, picture, "saliency", "deletion", windows=3)


def test_a_black_box_is_measured_by_what_can_be_had_and_what_was_named_is_refused(spots):
    def box(x):
        return np.stack([x[..., 0].mean((1, 2)), x[..., 2].mean((1, 2))], 1)

    net = st.open(box, input_size=(SIDE, SIDE, 3), preprocessing="unit")
    found = st.evaluate(net, spots[0][:1], "feature_ablation", nulls=False)
    assert [n.numbers["metric"] for n in found.notes if n.name == "metric_refused"] == ["emprt"]
    k = found.metrics.index("emprt")
    assert np.isnan(found.values[0, k, 0]) and np.isfinite(np.delete(found.values[0], k, 0)).all()
    with pytest.raises(NetworkRefused, match="can't be drawn anew"):
        st.evaluate(net, spots[0][:1], "feature_ablation", "emprt")


def test_metrics_are_named_by_name_family_or_all():
    assert {m.family for m in chosen_metrics("complexity", False)} == {"complexity"}
    assert [m.name for m in chosen_metrics(["auc", "auc,iou"], True)] == ["auc", "iou"]
    assert not {m.name for m in chosen_metrics("all", False)} & {"auc", "iou"}
    with pytest.raises(UsageError, match="where the objects are"):
        chosen_metrics("auc", False)
    with pytest.raises(UsageError, match=r"no metric 'deletoin'\. Nearest: deletion"):
        chosen_metrics("deletoin", False)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"masks": [None] * 2}, "2 masks for 3 images"),
        ({"masks": [None] * 3}, "Not one of the masks"),
        ({"boxes": [(1, 2, 3)] * 3}, "A box is"),
        ({"masks": [None] * 3, "boxes": [None] * 3}, "give one of them"),
    ],
)
def test_masks_and_boxes_that_do_not_fit_are_refused(net, spots, said, error):
    with pytest.raises(UsageError, match=error):
        st.evaluate(net, spots[0], "saliency", "auc", **said)


def test_a_mask_of_another_size_is_passed_by_with_its_picture(net, spots):
    pictures, masks = spots
    found = st.evaluate(net, pictures, "saliency", "auc", masks=[masks[0], masks[1][:9], masks[2]], nulls=False)
    assert [p.item for p in found.passed] == [1] and "must be alike" in found.passed[0].reason


def test_it_is_saved_as_a_page_as_lines_and_as_data(net, spots, tmp_path):
    found = st.evaluate(net, spots[0], ["saliency", "gradcam"], ["sparseness", "auc"], masks=spots[1], layer="pick")
    page = found.save(tmp_path / "e.html").read_text("utf-8")
    assert "Sparseness" in page and "稀疏度" in page and "knows nothing" in page
    lines = list(csv.DictReader(io.StringIO(found.save(tmp_path / "e.csv").read_text("utf-8"))))
    assert len(lines) == 3 * 6 * 2 and lines[0]["image"] == "image 1"
    assert float(lines[0]["value"]) == found.values[0, 0, 0]
    record = json.loads(found.save(tmp_path / "e.json").read_text("utf-8"))
    assert record["methods"][0]["metrics"]["auc"]["mean"] == pytest.approx(found.means[0, 1])
    assert record["provenance"]["number"] == 3
    with pytest.raises(UsageError, match=r"\.html, \.csv, \.json"):
        found.save(tmp_path / "e.png")
    assert "Saliency" in found.table() and "显著图" in found.table("zh") and "<td>" in found._repr_html_()
