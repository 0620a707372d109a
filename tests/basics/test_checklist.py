"""The checklist holds every line of the notes, and tells the truth about where it is."""

from mnist_demo.basics import checklist
from mnist_demo.basics.chapters import EXAMPLES

CORRECTED = {
    "dataiter.next()": "iterate_next",
    "nn.relu": "activations",
    "default: 1.0": "learning_rate",
    "F.softmax(self.output(x), dim=1)": "truth_table",
    "images.view(images.shape[0],-1)": "flatten",
    "model.hidden.weight": "weights_and_biases",
    "torch.exp(x)/torch.sum": "softmax_by_hand",
    "torch.mm": "matrix_product",
    "torch.Tensor.numpy(tensor)": "numpy",
    "torch.load(": "load_defaults",
    "lowest validation loss possible": "validation_split",
    "optimizer.zero_grad()": "zero_grad",
    "(outside of early-stopping) is dropout": "dropout",
    "transforms.Compose": "transform_steps",
    "with torch.no_grad()": "no_grad",
    "exactly the same": "load",
    "optim.SGD(model.parameters(), lr=0.01)": "whole_loop",
}


def test_every_line_with_text_is_covered() -> None:
    covered = {line for row in checklist.rows() for line in range(row.first, row.last + 1)}
    missing = [i for i, line in enumerate(checklist.notes(), start=1) if line.strip() and i not in covered]
    assert missing == []
    assert len(checklist.rows()) >= 40


def test_every_quote_stands_where_the_row_says() -> None:
    for row in checklist.rows():
        assert row.quote in "\n".join(checklist.notes()[row.first - 1 : row.last]), row


def test_rows_and_examples_know_each_other() -> None:
    named = {row.example for row in checklist.rows()}
    assert named == set(EXAMPLES)


def test_no_line_of_the_table_is_skipped_by_the_reader() -> None:
    text = (checklist.HERE / "checklist.md").read_text(encoding="utf-8")
    assert len(checklist.rows()) == sum(line.startswith("| ") for line in text.splitlines()) - 1  # the header


def test_what_the_notes_get_wrong_is_corrected_where_it_is_met() -> None:
    for quote, name in CORRECTED.items():
        rows = [row for row in checklist.rows() if row.example == name and quote in row.quote]
        assert rows, quote
        assert any(row.correction for row in rows), quote
        assert EXAMPLES[name].today, name


def test_passages_quote_the_notes() -> None:
    assert checklist.passages("iterate_next").startswith("lines 90–92\n    # 2\ndataiter = iter(loader)")


def test_a_quotation_is_word_for_word() -> None:
    assert checklist.is_quote("images, labels = dataiter.next()")
    assert checklist.is_quote("lr … (default: 1.0)")
    assert checklist.is_quote("If input is a (n×m) tensor, and mat2 is a (m×p) tensor, out will be a (n×p) tensor.")
    assert not checklist.is_quote("images, labels = next(dataiter)")
