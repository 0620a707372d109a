"""The plain program's functions are the app's: scales, losses, learning rates and the running average."""

import pytest
import torch

from mnist_demo.experiment.choices import Mistake, Normalize, Schedule
from mnist_demo.experiment.config import Experiment
from mnist_demo.export import program
from mnist_demo.images import data
from mnist_demo.learning import losses, networks, optimizers, schedule


@pytest.mark.parametrize("scale", list(Normalize))
def test_pixels_are_scaled_as_in_the_app(scale: Normalize, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(256, dtype=torch.uint8).repeat(49)[: 16 * 784].reshape(16, 28, 28)
    monkeypatch.setattr(program, "knobs", Experiment(normalize=scale))
    torch.testing.assert_close(program.normalize(images), data.normalize(images, scale))


@pytest.mark.parametrize("mistake", list(Mistake))
def test_the_loss_is_the_apps_and_measuring_smooths_nothing(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = Experiment(mistake=mistake, label_smoothing=0.3)
    monkeypatch.setattr(program, "knobs", experiment)
    logits, labels = torch.arange(30.0).reshape(3, 10).sin() * 5, torch.tensor([0, 3, 9])
    assert program.criterion(logits, labels) == losses.training_loss(logits, labels, experiment)
    with torch.no_grad():
        assert program.criterion(logits, labels) == losses.compute_loss(logits, labels, mistake)


@pytest.mark.parametrize("kind", [Schedule.ONE_CYCLE, Schedule.TRAPEZOID])
def test_the_learning_rate_is_the_apps_at_every_step(kind: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = Experiment(schedule=kind, epochs=3)
    monkeypatch.setattr(program, "knobs", experiment)
    for step in range(schedule.total_steps(experiment)):
        assert program.learning_rate_at(step) == schedule.learning_rate_at(experiment, step)


@pytest.mark.parametrize("step", [1, 500])
def test_the_running_average_is_the_apps(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = Experiment(network="cnn", hidden_sizes=(4,), weight_averaging=0.9)
    monkeypatch.setattr(program, "knobs", experiment)
    mine, yours, model = (networks.build(experiment.replace(seed=seed)) for seed in (0, 0, 1))
    program.average_weights(mine, model, step)
    optimizers.average_weights(yours, model, 0.9, step)
    assert all(torch.equal(value, yours.state_dict()[name]) for name, value in mine.state_dict().items())
