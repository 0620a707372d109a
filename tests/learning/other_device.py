"""A device of its own for tests, where there is no GPU: it computes with the processor's kernels.

A tensor that was not moved to it, beside one that was, is an error here as it is on a GPU.
`python -m tests.learning.other_device` trains some runs on both, and prints the hashes of their weights.
"""

import json
import sys
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import torch
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from mnist_demo.experiment.config import Experiment
from mnist_demo.images import data
from mnist_demo.inference import evaluation, recognize
from mnist_demo.learning import checkpoints
from mnist_demo.learning.networks import weights_hash
from mnist_demo.learning.training import advance, start

NAME = "toy"
# PyTorch makes these of sizes and strides for every device; here only the processor's tensor knows its strides.
VIEWS = (
    *("detach.default", "alias.default", "t.default", "transpose.int", "permute.default", "expand.default"),
    *("select.int", "slice.Tensor", "squeeze.default", "squeeze.dim", "unsqueeze.default", "split.Tensor"),
    *("unbind.int", "diagonal.default"),
)


# The numbers of each tensor on the device, a tensor of the processor, by the address of the tensor's own storage: an
# attribute of the Python object would be lost where PyTorch copies the tensor without its object.
INSIDE: dict[int, torch.Tensor] = {}


class Toy(torch.Tensor):
    """A tensor on the device. Its class tells `nn.Parameter` to keep it as it is."""


def wrapped(inside: torch.Tensor) -> torch.Tensor:
    """A tensor on the device with these numbers."""
    outside = torch._C._acc.create_empty_tensor(inside.shape, inside.dtype)
    outside.__class__ = Toy
    INSIDE[outside.untyped_storage()._cdata] = inside
    return outside


def inside(leaf: Any) -> Any:
    """The processor's tensor for one on the device; anything else as it is."""
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    is_outside = isinstance(leaf, torch.Tensor) and leaf.device.type == NAME
    return INSIDE[leaf.untyped_storage()._cdata] if is_outside else leaf


def call(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Any operation with a tensor on the device, or one that makes such a tensor."""
    if op is torch.ops.aten._copy_from.default:
        inside(args[1]).copy_(inside(args[0]))
        return args[1]
    tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    is_index = op.overloadpacket is torch.ops.aten.index  # an index may be on the processor
    if not is_index and any(each.dim() and each.device.type == "cpu" for each in tensors):
        raise RuntimeError(f"{op}: a tensor was left on the processor")
    known = {id(inside(each)): each for each in tensors}  # what is changed in place is given back itself

    memory = {inside(each).untyped_storage().data_ptr() for each in tensors}

    def given_out(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor) or id(leaf) in known:
            return known.get(id(leaf), leaf)
        is_view = leaf.untyped_storage().data_ptr() in memory
        return wrapped(leaf if is_view else leaf.contiguous())  # of a view PyTorch asks nothing; else it would be wrong

    args, kwargs = pytree.tree_map(inside, (args, kwargs))
    if op.name().startswith("aten::_fused"):  # they want gradients in the layout of their weights
        args = (args[0], [gradient.contiguous() for gradient in args[1]], *args[2:])
    return pytree.tree_map(given_out, op(*args, **kwargs))


def convolution_backward(gradient: Any, images: Any, weight: Any, *how: Any) -> Any:
    """The gradients of a convolution."""
    return call(torch.ops.aten.convolution_backward.default, gradient, images, weight, [len(weight)], *how)


def install() -> list[torch.library.Library]:
    """Makes the device. It lasts as long as what is returned."""
    _setup_privateuseone_for_python_backend(NAME)
    every, aten = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(call, "PrivateUse1")
    for name in VIEWS:
        packet, overload = name.split(".")
        operation = getattr(getattr(torch.ops.aten, packet), overload)
        aten.impl(name.removesuffix(".default"), partial(call, operation), "PrivateUse1")
    aten.impl("view", partial(call, torch.ops.aten.reshape.default), "PrivateUse1")
    aten.impl("convolution_overrideable", partial(call, torch.ops.aten.convolution.default), "PrivateUse1")
    aten.impl("convolution_backward_overrideable", convolution_backward, "PrivateUse1")
    return [every, aten]


def main() -> None:
    """Prints a line for each device and run: the weights' hash, the last validation loss, how a checkpoint does."""
    torch.set_num_threads(1)
    libraries = install()
    digits = data.load_training_data(data.mnist_root())
    few = data.TrainingData(digits.train.first(200), digits.val.first(200))
    for knobs in sys.argv[1:]:
        experiment = Experiment.from_text(dict(parse_qsl(knobs)))
        for device in ("cpu", NAME):
            state, _ = advance(start(experiment), 3, few, device=device)
            state, _ = advance(state, 1_000, few, device=device)  # goes on from moments of the processor
            checkpoint = checkpoints.Checkpoint(checkpoints.fit(state.weights, experiment), experiment, {})
            checkpoint.model.to(device)
            right = evaluation.evaluate(checkpoint, few.val).accuracy
            with torch.no_grad():  # inference mode is more than this device can do
                first = recognize.logits.__wrapped__([few.val.images[0].numpy()], checkpoint)[0]  # type: ignore
            told = {"hash": weights_hash(state.weights), "loss": state.history[-1].val_loss, "right": right}
            print(json.dumps({**told, "first": first.tolist()}))
    del libraries


if __name__ == "__main__":
    main()
