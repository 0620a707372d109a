"""Finds every control on the page by itself, works it by mouse, keyboard or touch, and says what went wrong.

Nothing here knows a control by name, except which ones may change which others. A fault is an HTTP error, an error on
the console, an act that nothing follows, or a value elsewhere that has changed.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response

SETTLED_SECONDS = 0.25
PATIENCE_SECONDS = 8.0  # for the answers to an act
CLICK_MS = 10_000  # for a control that something else covers or moves
TIP_MS = 400  # until the tip of a word is closed that neither has the focus nor lies under the mouse
MANY_ALIKE = 20  # cells of a matrix, examples in a list: of more than that every tenth is worked

# Every control that can be seen and used, with a key that finds it again: the nearest id above it, and its place there.
FIND_JS = r"""() => {
  const KINDS = 'button, input, select, textarea, canvas[tabindex], svg[tabindex], summary, [role=button], [role=tab]';
  const isUsable = (node) => {
    const box = node.getBoundingClientRect();
    return node.checkVisibility({opacityProperty: true, visibilityProperty: true}) && box.width > 0 && box.height > 0
      && !node.disabled && node.getAttribute('aria-disabled') !== 'true' && node.type !== 'file'
      && !node.closest('[inert], [aria-hidden=true]') && !(node.readOnly && node.getAttribute('role') !== 'listbox');
  };
  for (const node of document.querySelectorAll('[data-crawl]')) delete node.dataset.crawl; // some are hidden by now
  const counts = new Map();
  return [...document.querySelectorAll(KINDS)].filter(isUsable).map((node) => {
    // Gradio's own ids of texts are new each time a text is written.
    const home = node.parentElement.closest('[id]:not([id^=html-])')?.id ?? '';
    const name = node.id && !/^component-|^range_id|^\d/.test(node.id) ? '#' + node.id : '';
    const kind = [node.tagName.toLowerCase(), node.type, node.getAttribute('role')].filter(Boolean).join(':');
    const base = `${home} ${kind}${name}`, place = counts.get(base) ?? 0;
    counts.set(base, place + 1);
    node.dataset.crawl = `${base} ${place}`;
    const names = [node.getAttribute('aria-label'), node.innerText, node.title, node.closest('label')?.innerText];
    const said = (names.find(Boolean) ?? '').trim().slice(0, 40);
    const marks = ['aria-selected', 'aria-current'].map((name) => node.getAttribute(name));
    return {key: node.dataset.crawl, kind, home, said, isChosen: node.checked === true || marks.includes('true')};
  });
}"""

# What every field holds, by key; and a counter of what has changed on the page.
VALUES_JS = r"""() => Object.fromEntries([...document.querySelectorAll('[data-crawl]')]
  .filter((node) => 'value' in node && node.tagName !== 'BUTTON' && node.checkVisibility())
  .map((node) => [node.dataset.crawl, ['checkbox', 'radio'].includes(node.type) ? node.checked : node.value]))"""
WATCH_JS = r"""() => {
  window.crawlChanges = 0;
  new MutationObserver((records) => {
    window.crawlChanges += records.filter(({type, attributeName: name, target}) => type !== 'attributes'
      || (name !== 'data-crawl' && !(target.dataset?.crawl && ['class', 'style'].includes(name)))).length;
  }).observe(document.body, {childList: true, characterData: true, attributes: true, subtree: true});
}"""

# Cards are written anew while a training runs: a mark that has gone with its node is set again.
MARK_AGAIN_JS = r"""(key) => {
  const isMarked = () => document.querySelector(`[data-crawl=${JSON.stringify(key)}]`);
  window.crawlTimer = setInterval(() => isMarked() || window.crawlFind(), 50);
}"""

# What may change when a control is worked: patterns of keys, for a pattern of the control's key or its words.
MAY_CHANGE = (
    (r"^lesson |^next-|^hint-try-|Train this", r".*"),
    (r"^b-knob-(\d)", r"^b-value-"),
    (r"^scrub |^(Loss|Accuracy) by", r"^scrub "),
    (r"^patience ", r"^patience "),
    (r"^(train|stop|resume)\b|Train$|Stop$|Resume$|Rename|Delete|^new-name", r"^scrub |^overlay|^run-to-|^component-"),
    (r"^mnist-basics", r"^mnist-basics"),
    (r"^models|^upload", r"^models"),
)


IDLE = re.compile("^Reset to default")  # beside a slider that stands there


class Hand(StrEnum):
    """What a control is worked with."""

    MOUSE = "mouse"
    KEYBOARD = "keyboard"
    TOUCH = "touch"


@dataclass(frozen=True)
class Control:
    """One control as it was found."""

    key: str
    kind: str  # tag, type and role
    home: str  # the nearest id above it
    said: str  # its name or text
    is_chosen: bool

    def __str__(self) -> str:
        return f"{self.key} “{self.said}”"


@dataclass
class Crawler:
    """A page under watch."""

    page: Page
    faults: list[str] = field(default_factory=list)
    worked: int = 0
    _under_way: set[Request] = field(default_factory=set)
    _sent: int = 0
    _offered: int = 0  # files for download, and choosers
    _errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        page = self.page
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._errors.append(f"page error: {error}"))
        page.on("response", self._check)
        page.on("request", self._start)
        page.on("requestfinished", lambda request: self._under_way.discard(request))
        page.on("requestfailed", lambda request: self._under_way.discard(request))
        page.on("download", lambda _: self._offer())
        page.on("filechooser", lambda _: self._offer())

    def watch(self) -> None:
        """To be called once the page is loaded."""
        self.page.evaluate(WATCH_JS)
        self.page.evaluate(f"() => {{ window.crawlFind = {FIND_JS}; }}")

    def find(self) -> list[Control]:
        """Every control that can be seen and used now."""
        found = self.page.evaluate(FIND_JS)
        return [Control(each["key"], each["kind"], each["home"], each["said"], each["isChosen"]) for each in found]

    def work(self, control: Control, hand: Hand) -> None:
        """Works a control and notes what is wrong with what follows."""
        if control.key not in [each.key for each in self.find()]:
            return  # what was worked before it has taken it away
        node = self.page.locator(f"[data-crawl={_quoted(control.key)}]").first
        if hand is Hand.KEYBOARD:  # a tip that is open already, where Tab has led or the mouse rests, would not change
            self.page.mouse.move(0, 0)
            self.page.evaluate("document.activeElement.blur()")
            self.page.wait_for_timeout(TIP_MS)
        before, changes = self.page.evaluate(VALUES_JS), self.page.evaluate("window.crawlChanges")
        sent, offered = self._sent, self._offered
        self._errors.clear()
        self.page.evaluate(MARK_AGAIN_JS, control.key)
        try:
            should_follow = _act(self.page, node, control, hand)
        except Exception as error:
            self.faults.append(f"{hand} {control}: {str(error)[:800]}")
            return
        finally:
            self.page.evaluate("clearInterval(window.crawlTimer)")
        self.settle()
        self.worked += 1
        after = self.page.evaluate(VALUES_JS)
        own = before.get(control.key) != after.get(control.key)
        is_followed = own or self._sent > sent or self._offered > offered
        is_followed = is_followed or self.page.evaluate("window.crawlChanges") > changes
        if should_follow and not control.is_chosen and not is_followed and not IDLE.search(control.said):
            self.faults.append(f"{hand} {control}: nothing follows")
        self.faults += [f"{hand} {control}: {error}" for error in self._errors]
        for key, value in before.items():
            if key in after and after[key] != value and not _may_change(control, key):
                self.faults.append(f"{hand} {control} changes {key}: {value!r} -> {after[key]!r}")

    def settle(self) -> None:
        """Waits until nothing has been under way for a moment, or for so long that it is a fault of its own."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
            if self._under_way:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > SETTLED_SECONDS:
                return

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:  # told with its address below
            self._errors.append(f"console: {message.text[:200]}")

    def _check(self, response: Response) -> None:
        if response.status >= 400:
            self._errors.append(f"HTTP {response.status} {response.url}")

    def _start(self, request: Request) -> None:
        if request.method == "POST" and "/gradio_api/" in request.url and "heartbeat" not in request.url:
            self._sent += 1
            self._under_way.add(request)

    def _offer(self) -> None:
        self._offered += 1


def open_everything(page: Page) -> None:
    """Opens what is folded, of the tab that is shown."""
    for label in page.locator("button.label-wrap:not(.open)").all():
        if label.is_visible():
            label.click()


def panes(page: Page) -> Iterator[str]:
    """Shows each tab, and each tab inside it, one after the other; their names."""
    outer = page.get_by_role("tablist").first.get_by_role("tab")
    for name in [text.strip() for text in outer.all_inner_texts()]:
        page.get_by_role("tab", name=name, exact=True).first.click()
        inner = [tab for tab in page.get_by_role("tablist").last.get_by_role("tab").all() if tab.is_visible()]
        names = [tab.inner_text().strip() for tab in inner] if name == "Train" else []
        for inner_name in names or [""]:
            if inner_name:
                page.get_by_role("tab", name=name, exact=True).first.click()  # a tab worked before may have left it
                page.get_by_role("tab", name=inner_name, exact=True).click()
            yield f"{name} {inner_name}".strip()


def _act(page: Page, node: Locator, control: Control, hand: Hand) -> bool:
    """Works the control; whether something must follow."""
    node.scroll_into_view_if_needed()
    is_list = "combobox" in control.kind or "listbox" in control.kind
    if "canvas" in control.kind or "svg" in control.kind:
        return _draw(page, node, hand)
    if "range" in control.kind:
        return _slide(page, node, hand)
    if is_list:
        return _choose(page, node, hand)
    if re.search(r"input:(text|number|search)$|textarea", control.kind):
        return _type(page, node)
    if control.kind.startswith("select"):
        options = node.locator("option").all_inner_texts()
        node.select_option(options[-1])
        return True
    if hand is Hand.KEYBOARD:
        node.focus()
        page.keyboard.press("Space" if "checkbox" in control.kind or "radio" in control.kind else "Enter")
        return True
    if control.home == "status" and "span" in control.kind:
        _press_at(page, node, hand)
    else:
        _press(node, hand)
    return True


def _press_at(page: Page, node: Locator, hand: Hand) -> None:
    """For a word of a card, which may be written anew at any moment: as a hand does it, at its place."""
    box = node.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if hand is Hand.TOUCH:
        page.touchscreen.tap(x, y)
    else:
        page.mouse.click(x, y)


def _press(node: Locator, hand: Hand) -> None:
    if hand is Hand.TOUCH:
        node.tap(timeout=CLICK_MS)
    else:
        node.click(timeout=CLICK_MS)


def _draw(page: Page, node: Locator, hand: Hand) -> bool:
    if hand is Hand.KEYBOARD:
        node.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        return False  # a canvas is not drawn on with keys
    box = node.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3
    if hand is Hand.TOUCH:
        page.touchscreen.tap(x, y)
        return True
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * 0.1, y + box["height"] * 0.4, steps=5)
    page.mouse.up()
    return True


def _slide(page: Page, node: Locator, hand: Hand) -> bool:
    if hand is Hand.KEYBOARD:
        node.focus()
        is_at_end = node.evaluate("node => node.value === node.max")
        page.keyboard.press("ArrowLeft" if is_at_end else "ArrowRight")
        return True
    share = node.evaluate("node => (node.value - node.min) / (node.max - node.min)")
    box = node.bounding_box()
    assert box is not None
    place = {"x": box["width"] * (0.25 if share > 0.5 else 0.75), "y": box["height"] / 2}
    if hand is Hand.TOUCH:
        node.tap(position=place, timeout=CLICK_MS)
    else:
        node.click(position=place, timeout=CLICK_MS)
    return True


def _choose(page: Page, node: Locator, hand: Hand) -> bool:
    """A list: by touch it is opened and left, which must change nothing; else another option is taken."""
    if hand is Hand.TOUCH:
        node.tap(timeout=CLICK_MS)
        page.wait_for_timeout(200)
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.blur()")  # where Tab has led may be a list, too, which opens
        page.locator("[role=listbox]:visible").first.wait_for(state="hidden", timeout=CLICK_MS)
        return False
    node.focus()
    if hand is Hand.KEYBOARD:
        page.keyboard.press("Tab")  # through it: nothing changes
        node.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        return False
    node.click(timeout=CLICK_MS)
    page.wait_for_timeout(150)
    options = page.locator("[role=option]:not([aria-selected=true]):visible")
    if options.count():
        options.first.click(timeout=CLICK_MS)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    return False  # a list of one


def _type(page: Page, node: Locator) -> bool:
    text = node.evaluate("node => node.type === 'number' ? String(Math.max(Number(node.min) || 0, 2)) : 'crawled'")
    node.click(timeout=CLICK_MS)
    node.fill(text)
    page.keyboard.press("Tab")
    return False


def _may_change(control: Control, key: str) -> bool:
    if key.split(" ")[0] == control.home:
        return True  # the number beside a slider, the other circles of a choice
    return any(
        (re.search(when, control.key) or re.search(when, control.said)) and re.search(what, key)
        for when, what in MAY_CHANGE
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unlike(controls: list[Control]) -> list[Control]:
    """The controls, of very many alike only some."""
    alike: dict[tuple[str, str], list[Control]] = {}
    for each in controls:
        alike.setdefault((each.home, each.kind), []).append(each)
    return [each for some in alike.values() for each in (some if len(some) <= MANY_ALIKE else some[::10])]
