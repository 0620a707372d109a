"""Every run as one plain PyTorch program: all knobs' lines in one file, of which a run needs a few.

A real program: `python -m mnist_demo.export.program MNIST-FOLDER "epochs=3&dropout=0.5"` trains that run. `cut` takes
out of it what one experiment needs: it writes values in place of `knobs`, and keeps of each `if` about knobs the
branch that is taken. So what a learner reads, on the page or in a file to take home, is the code that is tested here.
Knows how a learner writes a training; the app's own is `mnist_demo.learning`.
"""

import copy
import hashlib
import math
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torchvision import datasets

from mnist_demo.experiment.choices import Augmentation, Mistake, Network, Normalize, Optimizer, Schedule
from mnist_demo.experiment.config import TRAIN_IMAGES, Experiment
from mnist_demo.experiment.knobs import NO_OWN_DIGITS, SAMPLE_HAND
from mnist_demo.images import handwriting, nondigits, own_digits
from mnist_demo.images.data import SPLIT_SEED
from mnist_demo.learning.layers import modules
from mnist_demo.learning.losses import EVALUATION_BATCH
from mnist_demo.learning.schedule import WARM_UP_STEPS, parts_of_epoch, steps_per_epoch, total_steps
from mnist_demo.learning.step import NON_DIGIT_WEIGHT
from mnist_demo.learning.training import TRAIN_SLICE

Data = tuple[Tensor, Tensor]  # images uint8 (N, 28, 28) and labels int64 (N,)
Weights = dict[str, Tensor]  # a state dict

knobs = Experiment.from_text(dict(parse_qsl(sys.argv[2]))) if __name__ == "__main__" else Experiment()
AVERAGES = knobs.weight_averaging > 0
COUNTS_STEPS = AVERAGES or knobs.schedule is not Schedule.CONSTANT
LEARNS_OWN = knobs.own_digits != NO_OWN_DIGITS
IS_MOVED = knobs.augmentation is not Augmentation.NONE  # are images changed before the network sees them?
SORTS_NOISE = (
    knobs.mistake is Mistake.NO_SHUFFLE and knobs.label_noise > 0
)  # images come sorted by their digits, not by their labels
SHOWS_DIGITS = knobs.non_digits > 0 or knobs.augmentation is Augmentation.HANDWRITING
NEEDS_DIGITS = SORTS_NOISE or SHOWS_DIGITS
DRAWS_NOISE = knobs.dropout > 0 or IS_MOVED or LEARNS_OWN or knobs.non_digits > 0
# Without eval() batch norm learns from what it is asked, so the run depends on when it is measured.
MEASURING_TRAINS = knobs.mistake is Mistake.NO_EVAL and knobs.network is not Network.MLP
MEASURING_DRAWS = knobs.mistake is Mistake.NO_EVAL and knobs.dropout > 0
POINTS_DECIDE = knobs.patience > 0 or MEASURING_TRAINS
PARTS = parts_of_epoch(knobs) if POINTS_DECIDE else [(0, steps_per_epoch(knobs))]


def normalize(images: Tensor) -> Tensor:
    """Bytes to floats: (N, 28, 28) -> (N, 1, 28, 28)."""
    if knobs.normalize is Normalize.RAW:
        return images.reshape(-1, 1, 28, 28).float()  # 0 to 255, as they are
    elif knobs.normalize is Normalize.UNIT:
        return images.reshape(-1, 1, 28, 28).float() / 255  # 0 to 1
    else:
        return (images.reshape(-1, 1, 28, 28).float() / 255 - 0.5) / 0.5  # -1 to 1


def augment(images: Tensor) -> Tensor:
    """Moves each image a little, differently each time: uint8 (N, 28, 28)."""
    if knobs.augmentation is Augmentation.SHIFT:
        count, padded = len(images), F.pad(images, (2, 2, 2, 2))
        rows, columns = torch.randint(5, (2, count, 1)) + torch.arange(28)  # each (N, 28)
        return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    else:
        turn, stretch_x, stretch_y, shear, shift_x, shift_y = 2 * torch.rand(6, len(images)) - 1
        cos, sin = torch.cos(turn * 0.21), torch.sin(turn * 0.21)
        scale_x, scale_y, shear = 1 + 0.12 * stretch_x, 1 + 0.12 * stretch_y, 0.15 * shear
        shift_x, shift_y = shift_x * 1.5 / 14, shift_y * 1.5 / 14  # 14 pixels are half an image
        top = torch.stack([scale_x * cos, shear - sin, shift_x], dim=1)
        bottom = torch.stack([sin, scale_y * cos, shift_y], dim=1)
        grid = F.affine_grid(torch.stack([top, bottom], 1), [len(images), 1, 28, 28], align_corners=False)
        moved = F.grid_sample(images[:, None].float(), grid, align_corners=False)
        return moved[:, 0].round().to(torch.uint8)


def criterion(logits: Tensor, labels: Tensor) -> Tensor:
    if knobs.mistake is Mistake.SOFTMAX_CROSS_ENTROPY:
        return F.cross_entropy(
            F.softmax(logits, dim=1), labels, label_smoothing=knobs.label_smoothing * torch.is_grad_enabled()
        )
    elif knobs.mistake is Mistake.LOG_SOFTMAX_CROSS_ENTROPY:
        return F.cross_entropy(
            F.log_softmax(logits, dim=1), labels, label_smoothing=knobs.label_smoothing * torch.is_grad_enabled()
        )
    elif knobs.mistake is Mistake.NLL_PROBABILITIES:
        return F.nll_loss(F.softmax(logits, dim=1), labels)
    elif knobs.mistake is Mistake.NLL_LOGITS:
        return F.nll_loss(logits, labels)
    else:
        return F.cross_entropy(logits, labels, label_smoothing=knobs.label_smoothing * torch.is_grad_enabled())


@torch.no_grad()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy."""
    if knobs.mistake is not Mistake.NO_EVAL:
        model.eval()
    logits = torch.cat([model(normalize(some)) for some in images.split(EVALUATION_BATCH)])  # type: ignore[no-untyped-call]
    model.train()
    pairs = zip(logits.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True)  # type: ignore[no-untyped-call]
    losses = [criterion(some, right).item() * len(right) for some, right in pairs]
    accuracy = (logits.argmax(dim=1) == labels).float().mean().item()
    return sum(losses) / len(labels), accuracy


def learning_rate_at(step: int) -> float:
    """The learning rate of the update that follows `step` updates."""
    progress = (step + 1) / total_steps(knobs)
    if knobs.schedule is Schedule.TRAPEZOID:
        rise = (step + 1) / min(WARM_UP_STEPS, max(1, total_steps(knobs) // 10))
        return knobs.learning_rate * min(1.0, rise, (1 - progress) / 0.4 + 1 / total_steps(knobs))
    else:
        if progress < 0.25:
            return knobs.learning_rate * progress / 0.25
        return knobs.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - 0.25) / 0.75))


@torch.no_grad()
def average_weights(averaged: nn.Module, model: nn.Module, step: int) -> None:
    """Moves the running average of the weights towards the weights, faster at the start."""
    kept = min(knobs.weight_averaging, step / (step + 10))
    for average, value in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if average.is_floating_point():
            average.lerp_(value, 1 - kept)
        else:
            average.copy_(value)  # batch norm's counter


def train(
    model: nn.Module, optimizer: optim.Optimizer, train_set: Data, val_set: Data, epochs: int, batch_size: int
) -> tuple[nn.Module, Weights]:
    """Trains the model; returns it, and its weights of the lowest loss."""
    images, labels = train_set
    order_rng = torch.Generator().manual_seed(knobs.seed + 1)
    if COUNTS_STEPS:
        step = 0
    if AVERAGES:
        averaged = copy.deepcopy(model)  # this one is evaluated and kept
    evaluated = averaged if AVERAGES else model
    if POINTS_DECIDE:
        if MEASURING_DRAWS:
            rng = torch.get_rng_state()
        evaluate(evaluated, images[:TRAIN_SLICE], labels[:TRAIN_SLICE])
        best_loss, _ = evaluate(evaluated, *val_set)
        if MEASURING_DRAWS:
            torch.set_rng_state(rng)
        best_weights = copy.deepcopy(evaluated.state_dict())
    else:
        best_loss, best_weights = math.inf, evaluated.state_dict()
    if knobs.patience:
        best_epoch = 0.0
    for epoch in range(1, epochs + 1):
        sorted_by = digits if SORTS_NOISE else labels
        if knobs.mistake is Mistake.NO_SHUFFLE:
            order = sorted_by.argsort(stable=True)
        else:
            order = torch.randperm(len(labels), generator=order_rng)
        for first, last in PARTS:  # a long epoch is measured several times
            for batch in order.split(batch_size) if len(PARTS) == 1 else order.split(batch_size)[first:last]:
                if knobs.mistake is not Mistake.NO_ZERO_GRAD:
                    optimizer.zero_grad()
                if IS_MOVED or LEARNS_OWN or knobs.non_digits:
                    pixels = images[batch]
                    if LEARNS_OWN:
                        again, theirs = own_digits.drawn_again(own, len(batch))
                        pixels, learned = torch.cat([pixels, again]), torch.cat([labels[batch], theirs])
                    if SHOWS_DIGITS:
                        shown = torch.cat([digits[batch], theirs]) if LEARNS_OWN else digits[batch]
                    if knobs.non_digits:
                        count = round(knobs.non_digits * len(pixels))
                        if count:  # pictures of no digit, behind the digits
                            others = nondigits.training_batch(pixels, shown, count, knobs.seed)
                            pixels = torch.cat([pixels, others])
                    if knobs.augmentation is Augmentation.HANDWRITING:
                        written = F.pad(shown, (0, len(pixels) - len(shown)), value=-1)  # -1: no digit
                        pixels = handwriting.vary(pixels, written)
                    elif IS_MOVED:
                        pixels = augment(pixels)
                    logits = model(normalize(pixels))  # (B, 10)
                else:
                    logits = model(normalize(images[batch]))  # (B, 10)
                if knobs.non_digits:
                    loss = criterion(logits[: len(logits) - count], learned if LEARNS_OWN else labels[batch])
                    if count:  # all digits should be equally probable
                        loss = loss - NON_DIGIT_WEIGHT * F.log_softmax(logits[len(logits) - count :], dim=1).mean()
                elif LEARNS_OWN:
                    loss = criterion(logits, learned)
                else:
                    loss = criterion(logits, labels[batch])
                loss.backward()  # type: ignore[no-untyped-call]
                if knobs.schedule is not Schedule.CONSTANT:
                    optimizer.param_groups[0]["lr"] = learning_rate_at(step)
                optimizer.step()
                if COUNTS_STEPS:
                    step += 1
                if AVERAGES:
                    average_weights(averaged, model, step)
                if not math.isfinite(loss.item()):
                    return evaluated, best_weights  # diverged
            if MEASURING_DRAWS:
                rng = torch.get_rng_state()  # measuring must not change the training
            train_loss, _ = evaluate(evaluated, images[:TRAIN_SLICE], labels[:TRAIN_SLICE])
            val_loss, accuracy = evaluate(evaluated, *val_set)
            if MEASURING_DRAWS:
                torch.set_rng_state(rng)
            done = epoch if len(PARTS) == 1 else epoch - 1 + last / steps_per_epoch(knobs)
            losses = f"training loss {train_loss:.4f}, validation {val_loss:.4f}"
            print(f"epoch {done:g}: {losses}, {accuracy:.2%} right")
            if val_loss < best_loss:
                best_loss, best_weights = val_loss, copy.deepcopy(evaluated.state_dict())
                if knobs.patience:
                    best_epoch = done
            if knobs.patience:
                if round(done - best_epoch, 6) >= knobs.patience:
                    return evaluated, best_weights  # stopped early
            if not math.isfinite(train_loss + val_loss):
                return evaluated, best_weights  # diverged
    return evaluated, best_weights


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # Adam makes numbers so near 0 that processors are slow with them
    # 55,000 images to learn from, 5,000 to validate on; the 10,000 test images stay closed.
    mnist = datasets.MNIST(sys.argv[1] if len(sys.argv) > 1 else "data", train=True, download=True)
    chosen, held_out = torch.utils.data.random_split(mnist, [55_000, 5_000], torch.Generator().manual_seed(SPLIT_SEED))
    if knobs.train_size == TRAIN_IMAGES:
        images, labels = mnist.data[chosen.indices], mnist.targets[chosen.indices]
    else:
        images, labels = (
            mnist.data[chosen.indices][: knobs.train_size],
            mnist.targets[chosen.indices][: knobs.train_size],
        )
    val_set = mnist.data[held_out.indices], mnist.targets[held_out.indices]
    if NEEDS_DIGITS:
        digits = labels  # as they are, whatever the labels become
    if knobs.own_digits == SAMPLE_HAND:
        own = own_digits.sample(mnist.data[chosen.indices], mnist.targets[chosen.indices]).split
    elif LEARNS_OWN:
        # The file that the Draw tab saves: half of each digit's drawings are to learn from.
        mine, _ = own_digits.read_file(Path("my-digits.json").read_bytes()).parted()
        assert mine.digest == knobs.own_digits, "This file holds other digits than the run has learned from."
        own = mine.split
    if knobs.label_noise:
        # Some of the training labels are replaced by a random digit.
        label_rng = torch.Generator().manual_seed(knobs.seed)
        is_replaced = torch.rand(55_000, generator=label_rng)[: len(labels)] < knobs.label_noise
        random_labels = torch.randint(10, (55_000,), generator=label_rng)[: len(labels)]
        labels = torch.where(is_replaced, random_labels, labels)
    torch.manual_seed(knobs.seed)  # initial weights
    model: nn.Module = nn.Sequential(*modules(knobs))
    if knobs.network is not Network.MLP:
        model = model.to(memory_format=torch.channels_last)  # faster
    if knobs.optimizer is Optimizer.SGD:
        optimizer: optim.Optimizer = optim.SGD(
            model.parameters(), lr=knobs.learning_rate, weight_decay=knobs.weight_decay, fused=True
        )
    elif knobs.optimizer is Optimizer.MOMENTUM:
        optimizer = optim.SGD(
            model.parameters(), lr=knobs.learning_rate, momentum=0.9, weight_decay=knobs.weight_decay, fused=True
        )
    elif knobs.optimizer is Optimizer.ADAM:
        optimizer = optim.Adam(model.parameters(), lr=knobs.learning_rate, weight_decay=knobs.weight_decay, fused=True)
    else:
        decay = knobs.weight_decay  # AdamW's own default is not 0
        optimizer = optim.AdamW(model.parameters(), lr=knobs.learning_rate, weight_decay=decay, fused=True)
    if DRAWS_NOISE:
        torch.manual_seed(knobs.seed + 2)  # dropout and augmentation
    model, best_weights = train(
        model, optimizer, (images, labels), val_set, epochs=knobs.epochs, batch_size=knobs.batch_size
    )
    torch.save(best_weights, "best.pt")
    # Optional: the last weights' SHA-256, as in the app; more threads, a GPU or another build may round differently.
    weights = sorted(model.state_dict().items(), key=lambda item: (int(item[0].split(".")[0]), item[0]))
    print("weights SHA-256", hashlib.sha256(b"".join(w.contiguous().numpy().tobytes() for _, w in weights)).hexdigest())
