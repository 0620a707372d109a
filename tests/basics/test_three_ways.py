"""Module, functional and Sequential: the same outputs and the same training, and their lines tied together."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim

from mnist_demo.basics import source
from mnist_demo.basics.chapters.three_ways import PANES, PARTS, three_ways
from mnist_demo.basics.workbench import Workbench


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_same_seed_same_outputs_same_training(seed: int, workbench: Workbench) -> None:
    """The forms are taken out of the text on the page and trained by a loop of the test's own, with dropout of none."""
    columns = source.panes(source.listing(three_ways, three_ways.read({"hidden": 24})).text, PANES)
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": F, "hidden": 24}
    for column in columns:
        if not column.is_across:
            exec(column.text, names)
    images, labels = workbench.digits
    results = []
    for form in ("ModuleForm", "FunctionalForm", "sequential_form"):
        torch.manual_seed(seed)
        model = names[form]()  # type: ignore[operator]
        outputs = model(images[:50].view(50, 1, 28, 28)).detach()
        optimizer = optim.Adam(model.parameters(), lr=1e-3)
        for step in range(10):
            optimizer.zero_grad()
            F.cross_entropy(model(images[step * 32 : step * 32 + 32]), labels[step * 32 : step * 32 + 32]).backward()
            optimizer.step()
        results.append((outputs, torch.cat([p.detach().flatten() for p in model.parameters()])))
    for outputs, weights in results[1:]:
        assert torch.equal(outputs, results[0][0])
        assert torch.equal(weights, results[0][1])
    assert not torch.equal(results[0][1][:100], torch.zeros(100))


def test_the_page_says_that_they_are_equal(workbench: Workbench) -> None:
    blocks = workbench.run(three_ways, three_ways.read({"seed": 3})).blocks
    assert any("largest difference between trained weights: 0.0" in block for block in blocks)


def test_each_part_is_found_in_each_form() -> None:
    columns = source.panes(source.listing(three_ways, three_ways.defaults).text, PANES)
    assert [column.is_across for column in columns] == [True, False, False, False, True]
    for part, fragments in PARTS.items():
        for column in columns[1:4]:
            assert source.lines_with(column.text, fragments), (part, column.text)


def test_no_line_belongs_to_two_parts() -> None:
    columns = source.panes(source.listing(three_ways, three_ways.defaults).text, PANES)
    for column in columns[1:4]:
        lines = [line for fragments in PARTS.values() for line in source.lines_with(column.text, fragments)]
        if "F.relu(self.hidden(x))" not in column.text:  # there hidden layer and activation share a line
            assert len(lines) == len(set(lines))
