"""The Basics tab: its one endpoint against hostile input, and the tab in a real Chromium."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_demo.basics import pictures, source
from mnist_demo.basics.chapters import CHAPTERS, EXAMPLES
from mnist_demo.basics.view import pair_of
from mnist_demo.ui import basics, theme
from mnist_demo.ui.basics import build_basics_tab

# Gradio's queue statistics use a pandas option that pandas has since deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")

PANEL = ".mnist-example"


@pytest.fixture(scope="module")
def address(mnist_root: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with gr.Blocks(analytics_enabled=False) as blocks:
        tab = build_basics_tab(lambda: mnist_root)
        told = gr.Textbox(elem_id="told")
        tab.submit(lambda value: repr(pair_of(value).a), tab, told, queue=False)
    blocks.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        ssr_mode=False,
        run_history=False,
        quiet=True,
        share=False,
        theme=theme.THEME,
        css=theme.CSS,
    )
    yield f"http://127.0.0.1:{port}"
    blocks.close(verbose=False)


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(f"{PANEL}[data-seq]").wait_for()


def choose(page: Page, name: str) -> None:
    page.locator(f'.mnist-nav [data-example="{name}"]').click()
    page.locator(f'{PANEL}[data-example="{name}"]').wait_for()


def answered(page: Page, act: Any) -> None:
    """Do something and wait until the panel shows the answer to it."""
    before = int(page.locator(PANEL).get_attribute("data-seq") or 0)
    act()
    page.wait_for_function(f"before => Number(document.querySelector('{PANEL}').dataset.seq) > before", arg=before)


def output(page: Page) -> str:
    return page.locator(".mnist-output").inner_text()


# ---- the page


def test_three_examples_answer_to_their_controls(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "matrix_product")
    expect(page.locator(".mnist-output")).to_contain_text("torch.mm(left, mat2) (2, 4)")
    answered(page, lambda: page.fill("#mnist-basics-p", "5"))
    expect(page.locator(".mnist-output")).to_contain_text("torch.mm(left, mat2) (2, 5)")
    expect(page.locator(".mnist-listing")).to_contain_text("p = 5")

    choose(page, "data_loader")
    assert page.locator(".mnist-images img").count() == 20
    answered(page, lambda: page.fill("#mnist-basics-batch_size", "7"))
    assert page.locator(".mnist-images img").count() == 7
    before = output(page)
    answered(page, lambda: page.uncheck("#mnist-basics-shuffle"))
    assert output(page) != before

    choose(page, "universal_approximator")
    first = page.locator(".mnist-plot path[style]").get_attribute("d")
    answered(page, lambda: page.select_option("#mnist-basics-curve", "step"))
    assert page.locator(".mnist-plot path[style]").get_attribute("d") != first


def test_a_mistake_is_a_lesson_and_its_line_is_marked(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "matrix_product")
    answered(page, lambda: page.fill("#mnist-basics-m", "4"))
    expect(page.locator(".mnist-stopped pre")).to_have_text(re.compile(r"^RuntimeError: .*\(2x4 and 3x4\)$"))
    expect(page.locator(".mnist-stopped p")).to_contain_text("The two numbers in the middle must be equal")
    expect(page.locator(".mnist-raised")).to_have_text(re.compile(r"^out = torch\.mm"))
    answered(page, lambda: page.fill("#mnist-basics-m", "3"))
    expect(page.locator(".mnist-stopped")).to_have_count(0)


def test_a_value_out_of_bounds_is_refused_beside_the_controls(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "randn")
    before = output(page)
    answered(page, lambda: page.fill("#mnist-basics-rows", "99"))
    expect(page.locator(".mnist-refusal")).to_have_text("rows can't be 99: give a whole number from 1 to 60.")
    assert output(page) == before
    answered(page, lambda: page.fill("#mnist-basics-rows", "4"))
    expect(page.locator(".mnist-refusal")).to_have_text("")


def test_the_last_of_many_quick_changes_wins(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "randn")
    page.evaluate(
        """() => { const range = document.querySelector('.mnist-controls input[type=range]');
        for (let n = 5; n <= 40; n += 1) { range.value = n; range.dispatchEvent(new Event('input')); } }"""
    )
    expect(page.locator(".mnist-output")).to_contain_text("x (40, 5)")
    expect(page.locator(".mnist-listing")).to_contain_text("rows = 40")


def test_the_same_part_lights_up_in_all_three_forms(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "three_ways")
    page.get_by_role("button", name="activation", exact=True).click()
    lit = page.locator(".mnist-line.mnist-same").all_inner_texts()
    assert [line.strip() for line in lit] == [
        "self.activation = nn.ReLU()",
        "x = self.activation(x)",
        "x = F.relu(self.hidden(x))",
        "nn.ReLU(),",
    ]
    page.get_by_text("nn.Flatten(),").hover()
    assert page.locator(".mnist-line.mnist-same").count() == 4


def test_every_passage_of_the_notes_leads_to_its_example(page: Page, address: str) -> None:
    visit(page, address)
    page.get_by_role("button", name="Course notes, line by line").click()
    assert page.locator(".mnist-notes tr").count() >= 40
    row = page.locator(".mnist-notes tr").filter(has_text="dataiter.next()")
    expect(row.locator("p")).to_have_text("next(dataiter)")
    row.get_by_role("button").click()
    expect(page.locator(f"{PANEL} h2")).to_have_text("Iterate by hand with next")
    expect(page.locator(".mnist-correction q")).to_have_text("images, labels = dataiter.next()")


def test_the_notebook_is_downloaded(page: Page, address: str) -> None:
    visit(page, address)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all as a notebook").click()
    assert download.value.suggested_filename == "pytorch-basics.ipynb"
    book = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert {cell["id"] for cell in book["cells"]} > set(EXAMPLES)
    choose(page, "randn")  # and the panel goes on working


def test_the_code_is_copied_as_it_runs(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, address)
    choose(page, "matrix_product")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".mnist-copy")).to_have_text("Copied")
    example = EXAMPLES["matrix_product"]
    assert page.evaluate("navigator.clipboard.readText()") == source.listing(example, example.defaults).text


def test_train_this_tells_the_page_what_to_train(page: Page, address: str) -> None:
    visit(page, address)
    choose(page, "randn")
    expect(page.locator(".mnist-train")).to_have_count(0)
    choose(page, "whole_loop")
    answered(page, lambda: page.fill("#mnist-basics-dropout", "0.4"))
    page.locator(".mnist-train").click()
    expect(page.locator("#told textarea, #told input")).to_have_value(re.compile(r"dropout=0\.4"))
    answered(page, lambda: page.fill("#mnist-basics-hidden", "16"))


def test_everything_is_reached_by_keyboard(page: Page, address: str) -> None:
    visit(page, address)
    page.locator('.mnist-nav [data-example="view"]').focus()
    page.keyboard.press("Enter")
    page.locator(f'{PANEL}[data-example="view"]').wait_for()
    expect(page.locator(f"{PANEL} h2")).to_be_focused()
    page.keyboard.press("Tab")
    answered(page, lambda: page.keyboard.press("ArrowRight"))  # the first slider: rows 3 to 4
    expect(page.locator(".mnist-stopped")).to_contain_text("invalid for input of size 12")
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"INPUT.", "SELECT.", "BUTTON.mnist-copy", "PRE.mnist-listing mnist-across", "SUMMARY."} <= reached


def test_a_telephone_sees_all_of_it(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    visit(page, address)
    for name in ("matrix_product", "three_ways", "truth_table", "topk", "load"):
        page.locator(".mnist-nav").evaluate("drawer => { drawer.open = true; }")
        choose(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert not page.locator(".mnist-nav").evaluate("drawer => drawer.open")
    context.close()


def test_no_rule_of_the_page_reaches_into_the_panel() -> None:
    """Gradio scopes a component's rules to it, but the page's own rules reach everywhere: the names must differ."""
    folder = Path(basics.__file__).parent / "components" / "basics"
    written = [*folder.iterdir(), basics.PICTURES_CSS, Path(source.__file__), Path(pictures.__file__)]
    ours = {name for path in written for name in re.findall(r"(?<!-)mnist-[\w-]+", path.read_text(encoding="utf-8"))}
    assert ours & set(re.findall(r"\.(mnist-[\w-]+)", theme.CSS)) == set()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_and_code_have_contrast_in_both_themes(mode: str, page: Page, address: str) -> None:
    visit(page, f"{address}/?__theme={mode}")
    choose(page, "iterate_next")
    ratios = page.evaluate(
        """() => {
        const parse = (text) => text.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
          .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const paper = (node) => {
          for (let n = node; n; n = n.parentElement) {
            const colour = parse(getComputedStyle(n).backgroundColor);
            if (colour.length === 3 || colour[3] > 0.9) return colour;
          }
          return [255, 255, 255];
        };
        const kinds = ['.mnist-teaching', '.mnist-chapter', '.mnist-keyword', '.mnist-string', '.mnist-comment',
          '.mnist-number', '.mnist-builtin', '.mnist-text', '.mnist-control label', '.mnist-fix',
          '.mnist-split header'];
        return kinds.map((kind) => {
          const node = document.querySelector(kind);
          const [a, b] = [node ? light(parse(getComputedStyle(node).color)) : 0, light(paper(node))]
            .sort((x, y) => y - x);
          return [kind, (a + 0.05) / (b + 0.05)];
        });
      }"""
    )
    assert {kind: ratio for kind, ratio in ratios if ratio < 4.5} == {}


def test_the_api_answers_hostile_values_with_a_result_or_a_sentence(page: Page, address: str) -> None:
    deep: object = 1
    for _ in range(400):
        deep = [deep]
    hostile: list[object] = [
        None, True, 3.7, "", "randn", "x" * 1_000_000, [], [1], {}, deep, {"example": deep}, {"example": None},
        {"example": "randn", "values": deep}, {"example": "randn", "values": {"rows": 10**400}},
        {"example": "randn", "values": {"rows": float("inf")}}, {"example": "randn", "values": {"seed": -1}},
        {"example": "../../etc/passwd"}, {"example": "\0"}, {"notebook": "yes"}, {"example": "randn", "seq": 10**400},
        {"example": "randn", "values": {str(number): number for number in range(50_000)}},
    ]  # fmt: skip
    for value in hostile:
        response = page.request.post(
            f"{address}/gradio_api/run/run_example",
            data=json.dumps({"data": [value]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert response.ok, (value, response.text()[:300])
        view = response.json()["data"][0]
        assert view["refusal"] or view["output"], value


def test_the_list_holds_every_chapter_and_example(page: Page, address: str) -> None:
    visit(page, address)
    assert page.locator(".mnist-nav h3").all_inner_texts() == [chapter.title for chapter in CHAPTERS]
    items = page.locator(".mnist-nav h3 ~ ul [data-example]")
    names = items.evaluate_all("nodes => nodes.map(node => node.dataset.example)")
    assert [name for name in names if name] == list(EXAMPLES)
