"""Waterbirds fine-tuned: the script for a GPU runs from the full layout to its table, here on a few drawn pictures."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import waterbirds_groups as groups
import waterbirds_tuned as tuned

HERE = Path(__file__).parents[2] / "benchmarks"
SIDE, MANY = 40, 120


def drawn(folder, count, part, chance):
    """Rows of the full layout, and their pictures: a bright or a dark thing before green or blue, as one expects 9 times in 10."""
    rows, boxes = [], []
    for k in range(count):
        number, y = f"{part}{k:03d}", k % 2
        expected = k % 4 < 2 if part == 2 else chance.random() < 0.9
        place = y if expected else 1 - y
        x = chance.integers(0, 60, (SIDE, SIDE, 3)).astype(np.uint8)
        x[..., 2 if place else 1] += 150
        top, left = chance.integers(8, 20, 2)
        x[top : top + 12, left : left + 12] = 230 if y else 20
        name = f"{y}.bird/{number}.png"
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(x).save(folder / name)
        rows.append({"img_id": number, "img_filename": name, "y": y, "split": part, "place": place})
        boxes.append(f"{number} {left}.0 {top}.0 12.0 12.0")
    return rows, boxes


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    folder, chance = tmp_path_factory.mktemp("waterbirds"), np.random.default_rng(0)
    each = [drawn(folder, MANY, part, chance) for part in range(3)]
    rows, boxes = ([one for part in each for one in part[k]] for k in (0, 1))
    with (folder / "metadata.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    (folder / "bounding_boxes.txt").write_text("\n".join(boxes))
    return folder


def test_the_layout_is_read_with_boxes_and_parted_by_class(layout):
    birds = tuned.birds_of(layout, "train")
    assert len(birds) == MANY and birds.files[0].exists() and birds.boxes is not None
    x0, y0, x1, y1 = birds.boxes[1]
    assert (x1 - x0, y1 - y0) == (12, 12)
    with Image.open(birds.files[1]) as picture:
        assert (np.asarray(picture)[int(y0) : int(y1), int(x0) : int(x1)] == 230).all()
    rest, kept = birds.parted(0.25, seed=0)
    assert len(kept) == 30 and len(rest) == 90 and not set(rest.files) & set(kept.files)
    assert kept.classes.sum() == 15 and birds.parted(0.25, seed=1)[1].files != kept.files
    few = tuned.birds_of(layout, "test", 60)
    assert len(few) == 60 and few.classes.sum() == 30 and few.groups[0] in groups.GROUPS.values()
    (layout / "bounding_boxes.txt").rename(layout / "elsewhere.txt")
    assert tuned.birds_of(layout, "val").given()["masks"] == "estimate"
    (layout / "elsewhere.txt").rename(layout / "bounding_boxes.txt")


def test_what_is_shown_is_a_part_of_the_picture_in_its_own_proportions():
    across = torch.arange(64.0).expand(200, 1, 64, 64)
    found = tuned.shown(torch.cat([across, across.mT], 1), torch.Generator().manual_seed(0))[:, :, 20:-20, 20:-20]
    right, down = (found[:, c].diff(dim=2 - c).mean((1, 2)) for c in (0, 1))
    assert torch.allclose(right.abs(), down, atol=1e-3)
    assert ((down > tuned.SMALLEST - 1e-3) & (down < 1 + 1e-3)).all()
    assert 0.35 < (right < 0).float().mean() < 0.65


def test_each_group_has_its_share_and_the_worst_is_given(capsys):
    classes, grounds = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 0, 1, 1])
    worst = groups.line("this", np.array([0, 1, 0, 1, 1, 1]), classes, grounds)
    assert worst == 0.5 and "groups 0.500 1.000 1.000 1.000  mean 0.833" in capsys.readouterr().out


def test_a_file_of_weights_is_taken_but_for_the_last_layer(tmp_path):
    first = tuned.import_torchvision().models.get_model("resnet18", weights=None)
    torch.save(first.state_dict(), tmp_path / "resnet18.pth")
    found = tuned.network("resnet18", tmp_path / "resnet18.pth", seed=0)
    assert torch.equal(found.conv1.weight, first.conv1.weight) and found.fc.weight.shape == (2, 512)


def test_the_script_fine_tunes_audits_mends_proves_and_prints_its_table(layout, tmp_path):
    command = [
        sys.executable, HERE / "waterbirds.py", "--folder", tmp_path, "--fine-tuned", "--device", "cpu", "--data", layout,
        "--network", "shufflenet_v2_x0_5", "--size", str(SIDE), "--pictures", str(MANY), "--kept", "0.7", "--epochs", "4", "--batch", "6",
        "--rate", "0.03", "--seeds", "1", "--rungs", "exchanged",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "seed 0: 36 to fine-tune, 84 to audit and mend, 120 to prove" in said.stdout
    assert "audit: background" in said.stdout and "repair: " in said.stdout
    assert f"worst group of {MANY} pictures over 1 seeds" in said.stdout and "0.904  as published" in said.stdout
    assert (tmp_path / "seed0" / "tuned.safetensors").exists()
