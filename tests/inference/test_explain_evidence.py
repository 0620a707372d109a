"""Why an answer: evidence against autograd and its own promise, activations, nearest training images."""

import numpy as np
import pytest
import torch

from mnist_demo.experiment.config import Experiment
from mnist_demo.images.data import TrainingData, normalize
from mnist_demo.inference import explain
from mnist_demo.learning import networks
from mnist_demo.learning.checkpoints import Checkpoint


def untrained(**knobs: object) -> Checkpoint:
    experiment = Experiment.from_dict(knobs)
    return Checkpoint(networks.build(experiment).eval(), experiment, {})


def score(model: Checkpoint, image: np.ndarray, digit: int) -> float:
    with torch.no_grad():
        logits = model.model(normalize(torch.from_numpy(image.copy()), model.experiment.normalize))[0]
    return float(logits[digit] - logits.mean())


def test_of_a_linear_network_the_evidence_is_weight_times_ink(training_data: TrainingData) -> None:
    model = untrained(hidden_sizes="none", normalize="unit")
    image = training_data.val.images[0].numpy()
    layer = model.model.get_submodule("1")
    assert isinstance(layer, torch.nn.Linear)
    weights = (layer.weight[4] - layer.weight.mean(dim=0)).detach().numpy().reshape(28, 28)
    np.testing.assert_allclose(explain.evidence(image, 4, model), weights * image / 255, atol=1e-5)


@pytest.mark.parametrize("scale", ["symmetric", "unit", "raw"])
def test_with_one_step_it_is_gradient_times_ink_at_half_ink(training_data: TrainingData, scale: str) -> None:
    model = untrained(activation="sigmoid", normalize=scale)
    image = training_data.val.images[1].numpy()
    ink = (torch.from_numpy(image.copy()).double().float() / 2).requires_grad_()
    logits = model.model(normalize(ink, model.experiment.normalize))[0]
    (logits[7] - logits.mean()).backward()  # type: ignore[no-untyped-call]
    assert ink.grad is not None
    expected = ink.grad.numpy() * image
    np.testing.assert_allclose(explain.evidence(image, 7, model, steps=1), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("network", ["mlp", "cnn", "deep_cnn"])
def test_the_evidence_adds_up_to_the_score_it_explains(training_data: TrainingData, network: str) -> None:
    model = untrained(network=network, activation="tanh")
    image = training_data.val.images[2].numpy()
    blank = np.zeros_like(image)
    evidence = explain.evidence(image, 5, model, steps=200)
    assert evidence.shape == (28, 28)
    assert evidence.sum() == pytest.approx(score(model, image, 5) - score(model, blank, 5), abs=2e-3)
    assert not evidence[image == 0].any()


def test_activations_are_what_the_layers_make_of_the_image(training_data: TrainingData) -> None:
    model = untrained(network="cnn", dropout=0.5)
    image = training_data.val.images[3].numpy()
    seen = explain.activations(image, model)
    pixels = normalize(torch.from_numpy(image.copy()))
    np.testing.assert_array_equal(seen["0 Conv2d"], model.model.get_submodule("0")(pixels)[0].detach().numpy())
    assert seen["0 Conv2d"].shape == (16, 28, 28)
    last = list(seen.values())[-1]
    np.testing.assert_array_equal(last, model.model(pixels)[0].detach().numpy())


def test_the_nearest_to_a_training_image_is_itself(training_data: TrainingData) -> None:
    model = untrained(network="cnn")
    gallery = explain.build_gallery(model, training_data.train.first(2_000), per_digit=20)
    assert len(gallery.labels) == 200
    for index in (0, 57, 199):
        digit = int(gallery.labels[index])
        found = explain.nearest(gallery.images[index].numpy(), digit, model, gallery, count=3)
        np.testing.assert_array_equal(found[0].image, gallery.images[index].numpy())
        assert found[0].similarity == pytest.approx(1, abs=1e-4)
        assert [neighbour.label for neighbour in found] == [digit] * 3
        assert found[0].similarity >= found[1].similarity >= found[2].similarity
