"""Training and inference: statistics that move though frozen, layers that stand in another mode, what differs."""

import pytest
import torch.nn as nn
from checked_networks import check, finding, names, small, trained


def test_a_frozen_normalisation_whose_statistics_would_move_is_doubtful_in_training():
    module = small().train()
    module.norm.requires_grad_(False)
    told = finding(check(module, frozen=["norm"]), "frozen_statistics_move")
    assert told.level == "warning" and told.layers == ("norm",)
    module.norm.eval()
    found = check(module, frozen=["norm"])
    assert "frozen_statistics_move" not in names(found)
    assert finding(found, "stays_in_eval").layers == ("norm",)


def test_in_inference_it_is_good_to_know():
    module = small()
    module.norm.requires_grad_(False)
    assert finding(check(module), "frozen_statistics_move").level == "info"
    assert "frozen_statistics_move" not in names(check(small()))


def test_a_normalisation_without_statistics_depends_on_its_batch():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.InstanceNorm2d(4))
    assert finding(check(trained(module)), "batch_statistics").layers == ("1",)
    module[1] = nn.BatchNorm2d(4)
    assert "batch_statistics" not in names(check(trained(module)))


def test_a_layer_left_in_training_makes_answers_change():
    module = small()
    module.block[2].train()
    told = finding(check(module), "stays_in_train")
    assert told.level == "warning" and told.layers == ("block.2",)
    module.eval()
    module.stem.train()  # a convolution is the same in both
    assert "stays_in_train" not in names(check(module))


def test_a_whole_network_in_training_is_good_to_know_where_it_makes_a_difference():
    assert finding(check(small().train()), "left_in_train").numbers == {"normalisations": 1, "dropouts": 1}
    plain = trained(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Dropout(0.0))).train()
    assert not {"left_in_train", "training_differs"} & set(names(check(plain)))


def test_what_training_does_otherwise_is_counted():
    told = finding(check(small()), "training_differs")
    assert told.layers == ("norm", "block.2") and told.numbers == {"normalisations": 1, "dropouts": 1}


def test_a_frozen_keras_normalisation_runs_as_in_inference():
    keras = pytest.importorskip("keras", reason="keras isn't installed")
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(name="n"), layers.SpatialDropout2D(0.1)]
    )
    model.get_layer("n").trainable = False
    found = check(model, size=None)
    assert "frozen_statistics_move" not in names(found)
    assert finding(found, "training_differs").numbers == {"normalisations": 1, "dropouts": 1}
    model.get_layer("n").trainable = True
    for variable in model.get_layer("n").trainable_variables:
        variable.trainable = False
    assert finding(check(model, size=None), "frozen_statistics_move").layers == ("n",)
