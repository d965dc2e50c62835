"""The page as a browser shows it: light and dark, on a phone and on a desk."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from qldb_replay.report.page import render
from report import samples

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
DRIVER = ("/usr/bin/chromedriver", "/usr/lib/chromium-browser/chromedriver")
SWITCHES = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)
WIDTHS, HEIGHT = {"phone": 375, "desk": 1280}, 800
SCHEMES = ("light", "dark")
SAMPLES = ("healthy", "damaged", "hostile", "empty")
CONTRAST = 4.5

# Contrast of each piece of text that shows, by WCAG 2: against the nearest ground that is painted.
TEXTS = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const rgba = css => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = ([r, g, b]) => [r, g, b]
  .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => {
  for (let e = element; e; e = e.parentElement) {
    const found = rgba(getComputedStyle(e).backgroundColor);
    if (found[3] === 255) return found;
  }
  return [255, 255, 255, 255];
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || ['TITLE', 'title', 'desc'].includes(element.tagName))
    continue;
  const box = element.getBoundingClientRect();
  if (box.width < 2 || box.height < 2) continue;
  const style = getComputedStyle(element);
  const ink = rgba(element.ownerSVGElement ? style.fill : style.color);
  const [high, low] = [luminance(ink), luminance(ground(element))].sort((a, b) => b - a);
  found.push([(high + 0.05) / (low + 0.05), walker.currentNode.data.trim().slice(0, 40), ink[3]]);
}
return found;
"""
PLOTS = """
return [...document.querySelectorAll('svg[role=img]')]
  .filter(svg => svg.closest('.plot').checkVisibility())
  .map(svg => [svg.getBoundingClientRect(), svg.querySelector('title').textContent])
  .map(([box, title]) => [box.width, box.height, box.left, box.right, title]);
"""


def program(places: tuple[str, ...]) -> str:
    found = next((place for place in places if Path(place).exists()), None)
    found = found or shutil.which(Path(places[0]).name)
    if found is None:
        message = f"no {Path(places[0]).name}: apt-get install chromium chromium-driver"
        if "CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = program(CHROMIUM)
    for switch in SWITCHES:
        options.add_argument(f"--{switch}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(program(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    for name in SAMPLES:
        html = render(getattr(samples, name)())
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in SAMPLES}


FORMS = [(name, device, scheme) for name in SAMPLES for device in WIDTHS for scheme in SCHEMES]


@pytest.fixture(scope="module", params=FORMS, ids="-".join)
def shown(request, browser, pages, tmp_path_factory) -> webdriver.Chrome:
    """A browser that shows a page; leaves a picture of all of it in a folder of pytest's."""
    name, device, scheme = request.param
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": WIDTHS[device], "height": HEIGHT, "deviceScaleFactor": 1}
    phone = {"mobile": device == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, **phone})
    browser.get_log("browser")
    browser.get(pages[name])
    picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    folder = tmp_path_factory.mktemp("picture")
    (folder / f"{name}-{device}-{scheme}.png").write_bytes(base64.b64decode(picture["data"]))
    return browser


def test_a_page_is_shown_as_it_should_be(shown, request):
    name, device, scheme = request.node.callspec.params["shown"]

    assert shown.get_log("browser") == []
    width = "return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert shown.execute_script("return innerWidth") == WIDTHS[device]
    assert shown.execute_script(width) <= WIDTHS[device]
    dark = "return matchMedia('(prefers-color-scheme: dark)').matches"
    assert shown.execute_script(dark) == (scheme == "dark")

    top, bottom = shown.execute_script(
        "const box = document.querySelector('h1').getBoundingClientRect();"
        "return [box.top, box.bottom];"
    )
    assert 0 < top < bottom < HEIGHT

    plots = shown.execute_script(PLOTS)
    assert len(plots) == {"healthy": 4, "damaged": 4, "hostile": 11, "empty": 0}[name]
    for width, height, left, right, title in plots:
        assert width > 200, title
        assert height > 40, title
        assert left >= 0, title
        assert right <= WIDTHS[device], title

    texts = shown.execute_script(TEXTS)
    assert len(texts) > 50
    assert [each for each in texts if each[0] < CONTRAST or each[2] < 255] == []


def test_text_in_plots_is_large_enough_to_read(shown, request):
    sizes = shown.execute_script(
        "return [...document.querySelectorAll('svg[role=img] text')]"
        ".filter(text => text.checkVisibility())"
        ".map(text => text.getBoundingClientRect().height)"
    )

    name, *_ = request.node.callspec.params["shown"]
    assert bool(sizes) == (name != "empty")
    assert all(size > 9 for size in sizes)


def test_what_a_scheme_or_a_device_leaves_out_is_not_shown(shown, request):
    _, device, _ = request.node.callspec.params["shown"]
    other = {"phone": "wide", "desk": "narrow"}[device]

    assert not shown.execute_script(
        f"return [...document.querySelectorAll('.plot.{other}')].some(e => e.checkVisibility())"
    )
