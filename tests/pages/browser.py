"""A real browser for tests of the HTML pages: it opens a file, notes all that the page does, and measures what is shown.

Only an installed Chromium is used; nothing is downloaded. The synchronous interface of Playwright keeps an event loop
running in the thread, so a browser lives as long as the tests of this folder and no longer.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = (1280, 900), (390, 844)  # CSS pixels: a laptop and a phone
READABLE = 4.5  # contrast of text that WCAG 2 asks for at level AA
TIMEOUT = 30_000.0  # ms for one step: a machine may have other work

Size = tuple[int, int]
Scheme = Literal["light", "dark"]


@dataclass
class Tab:
    """A page of the browser and what was seen of it since a file was opened."""

    page: Page
    messages: list[str] = field(default_factory=list)  # of the console, of errors and of dialogs
    requests: list[str] = field(default_factory=list)  # addresses without ?query and #place
    windows: list[str] = field(default_factory=list)
    visits: int = 0

    def open(self, path: Path, place: str = "", size: Size = WIDE, scheme: Scheme = "light") -> Page:
        """Open a file by its file:// address, at `#place` if given."""
        for seen in (self.messages, self.requests, self.windows):
            seen.clear()
        self.show(size, scheme)
        self.visits += 1  # in the address, else another place in the same file would be no new visit
        self.page.goto(f"{path.as_uri()}?{self.visits}" + (f"#{place}" if place else ""))
        return self.page

    def show(self, size: Size = WIDE, scheme: Scheme = "light") -> Page:
        """The open page in a window of this size and in this colour scheme."""
        width, height = size
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        return self.page

    def reach(self, selector: str, most: int = 60) -> Page:
        """Press the tab key until an element that fits has the focus. Fails after `most` times."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return self.page
        raise AssertionError(f"{selector} is not reached by the tab key")

    def note_dialog(self, dialog: Dialog) -> None:
        self.messages.append(dialog.message)
        dialog.dismiss()

    def note_request(self, address: str) -> None:
        self.requests.append(strip_address(address))


def strip_address(address: str) -> str:
    return address.partition("#")[0].partition("?")[0]


def find_chromium() -> str | None:
    """The path of an installed Chromium."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def run_browser(executable: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as library:
        browser = library.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


def make_tab(context: BrowserContext) -> Tab:
    """A tab that is watched."""
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    made = Tab(page)
    page.on("console", lambda message: made.messages.append(message.text))
    page.on("pageerror", lambda error: made.messages.append(str(error)))
    page.on("dialog", made.note_dialog)
    page.on("request", lambda request: made.note_request(request.url))
    page.on("popup", lambda other: made.windows.append(other.url))
    return made


ELEMENTS = """() => Object.fromEntries(["head", "body"].map(part => [part, [...document[part].querySelectorAll("*")].map(
  element => element.localName + " " + element.getAttributeNames().sort().join(" "))]))"""

HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(
  heading => Number(heading.localName[1]))"""

# Pictures, inputs, navigations and boxes in the tab order without a text that says what they are.
NAMELESS = """() => [...document.querySelectorAll("svg, img, input, nav, [tabindex='0']")].filter(element =>
  !(element.ariaLabel || element.alt || [...(element.labels || [])].some(label => label.textContent.trim()))
).map(element => element.outerHTML.slice(0, 120))"""

# Elements of HTML whose content is wider than they are and that scroll it or cut it off.
WIDER_THAN_THEIR_BOX = """() => [...document.querySelectorAll("*")].filter(element =>
  element instanceof HTMLElement && element.checkVisibility() && !element.matches(".hidden-text")
  && (element === document.documentElement || getComputedStyle(element).overflowX !== "visible")
  && element.scrollWidth > element.clientWidth + 1
).map(element => element.localName + (element.className && "." + element.className))"""

# What is seen to the right or to the left of the window and in no box that scrolls.
OUTSIDE = """() => [...document.body.querySelectorAll("*")].filter(element => {
  const box = element.getBoundingClientRect();
  if (!element.checkVisibility() || !box.width || (box.right <= innerWidth + 1 && box.left >= -1)) return false;
  return !element.closest(".scroll");
}).map(element => element.outerHTML.slice(0, 120))"""

# Texts with less contrast than given to the ground that they stand on.
PALE = """least => {
  const parse = colour => {
    const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { parts: [red, green, blue], alpha };
  };
  const blend = (over, alpha, under) => over.map((part, i) => part * alpha + under[i] * (1 - alpha));
  const light = parts => {
    const [red, green, blue] = parts.map(part => part / 255).map(
      part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const ground = element => {
    if (!element) return [255, 255, 255];
    const { parts, alpha } = parse(getComputedStyle(element).backgroundColor);
    return alpha === 1 ? parts : blend(parts, alpha, ground(element.parentElement));
  };
  const found = [];
  const compare = (what, ink, under) => {
    const ratio = contrast(ink, under);
    if (ratio < least) found.push(`${ratio.toFixed(2)} ${what.slice(0, 60)}`);
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const holder = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || !holder.checkVisibility() || holder.matches("script, title")) continue;
    const style = getComputedStyle(holder);
    const ink = parse(holder instanceof SVGElement ? style.fill : style.color).parts;
    compare(words.currentNode.data, ink, ground(holder));
  }
  for (const input of document.querySelectorAll("[placeholder]"))
    compare(input.placeholder, parse(getComputedStyle(input, "::placeholder").color).parts, ground(input));
  // The numbers in a matrix stand on half transparent cells.
  for (const cell of document.querySelectorAll(".matrix a path")) {
    const svg = cell.ownerSVGElement, style = getComputedStyle(cell);
    const under = blend(parse(style.fill).parts, Number(style.fillOpacity), ground(svg));
    compare(cell.getAttribute("aria-label"), parse(getComputedStyle(svg.querySelector("text")).fill).parts, under);
  }
  return found;
}"""
