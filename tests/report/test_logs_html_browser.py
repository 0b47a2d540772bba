"""The page of `eximkit logs --format html` in a real Chromium without a window."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eximkit.logs.analysis import analyse, wanted
from eximkit.logs.scan import FEW_HOURS, scan
from eximkit.logs.summary import Summary
from eximkit.report import logs_html
from eximkit.report.logs_view import View
from tests.conftest import CHECKOUT, without
from tests.report.browser import Browser, chromium
from tests.report.hostile import HOSTILE, with_traffic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("mainlog", "selector-off", "empty", "hostile", "hostile-log")
HELO = b"(<script>window.taken=1</script>)"
SUBJECT = b'T="<img src=x onerror=window.taken=1>" for '


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by name, in files."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name in NAMES:
        path = CHECKOUT / "samples" / "logs" / name
        text = path.read_bytes() if path.exists() else b""
        if name.startswith("hostile"):
            text = (path.parent / "mainlog").read_bytes()
            text = text.replace(b"old.plain.example (WIN L* box)", HELO)
            text = text.replace(b" for ", SUBJECT)
            assert HELO in text
        wants = wanted(("tls",), traffic=True) | {FEW_HOURS}
        counts = Summary() + scan(text, wanted=wants)
        report = analyse(counts, by=("tls",), sources=[name])
        if name == "hostile":
            report = with_traffic(report, HOSTILE)
            report = replace(report, sources=HOSTILE, problems=HOSTILE)
        found[name] = folder / f"{name}.html"
        page = "".join(logs_html.report(report, View(top=20)))
        found[name].write_text(page, "utf-8")
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        without("no chromium: install Debian's package of this name")
    with chromium(program, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_for_nothing_and_complains_of_nothing(
    name: str, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.look(1100)
    browser.open(pages[name])
    assert browser.requests == [pages[name].as_uri()]
    assert browser.complaints == []
    assert browser.value("document.compatMode") == "CSS1Compat"
    assert browser.value("document.scripts.length + document.images.length") == 0
    assert browser.value("performance.getEntriesByType('resource').length") == 0


def test_a_page_may_do_nothing(browser: Browser, pages: dict[str, Path]) -> None:
    """Even what got into it, if anything did, could not run or be loaded."""
    browser.look(1100)
    browser.open(pages["mainlog"])
    browser.value(
        """(() => { const s = document.createElement('div');
        s.innerHTML = '<img src="http://127.0.0.1:9/x"><i onclick="window.taken=1">';
        document.body.append(s); s.querySelector('i').click(); })()"""
    )
    assert browser.value("window.taken === undefined")
    assert browser.value("document.images[0].naturalWidth") == 0
    browser.value("new Promise(done => setTimeout(done, 1))")
    assert any("Content Security Policy" in text for text in browser.complaints)


def test_hostile_text_stays_text(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1100)
    browser.open(pages["hostile"])
    assert browser.value("window.taken === undefined")
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert browser.value("document.querySelectorAll('body [onload]').length") == 0
    assert "<script>window.taken = 1</script>" in browser.value(
        "document.querySelector('footer').textContent"
    )


def test_a_hostile_helo_stays_text(browser: Browser, pages: dict[str, Path]) -> None:
    browser.look(1100)
    browser.open(pages["hostile-log"])
    assert browser.value("window.taken === undefined")
    said = browser.value(
        "[...document.querySelectorAll('bdi')].map(cell => cell.textContent)"
    )
    assert HELO.decode() in said


SHOWN = """[...document.querySelectorAll('svg')].filter(
    svg => svg.checkVisibility()).map(svg => svg.getAttribute('class'))"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "kind"), [(360, "narrow"), (1100, "wide")])
def test_a_page_fits_phones_and_windows(
    name: str, width: int, kind: str, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.look(width)
    browser.open(pages[name])
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert set(browser.value(SHOWN)) <= {kind}
    assert bool(browser.value(SHOWN)) == (name != "empty")
    small = browser.value(
        """[...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility())
        .flatMap(svg => [...svg.querySelectorAll('text')])
        .map(text => text.getBoundingClientRect().height)"""
    )
    assert all(height > 11 for height in small), "letters are large enough to read"


@pytest.mark.parametrize("name", ["mainlog", "hostile"])
@pytest.mark.parametrize("width", [360, 1100])
def test_letters_of_charts_are_neither_cut_nor_on_each_other(
    name: str, width: int, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.look(width)
    browser.open(pages[name])
    wrong = browser.value(
        """(() => { const wrong = [];
        for (const svg of document.querySelectorAll('svg')) {
          if (!svg.checkVisibility()) continue;
          const box = svg.getBoundingClientRect(), placed = [];
          for (const text of svg.querySelectorAll('text')) {
            const r = text.getBoundingClientRect();
            if (r.left < box.left - 3 || r.right > box.right + 3 ||
                r.top < box.top - 3 || r.bottom > box.bottom + 3)
              wrong.push('cut: ' + text.textContent);
            for (const [q, other] of placed)
              if (r.left < q.right - 1 && q.left < r.right - 1 &&
                  r.top < q.bottom - 4 && q.top < r.bottom - 4)
                wrong.push(text.textContent + ' on ' + other);
            placed.push([r, text.textContent]);
          }
        } return wrong; })()"""
    )
    assert wrong == []


CONTRASTS = """(() => {
  const rgb = name => { const e = document.createElement('i');
    e.style.color = `var(--${name})`; document.body.append(e);
    const c = getComputedStyle(e).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    e.remove(); return c; };
  const light = name => { const [r, g, b] = rgb(name).map(c => { c /= 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = {};
  for (const paper of ['card', 'paper']) for (const name of NAMES) {
    const [a, b] = [light(name), light(paper)].sort((x, y) => y - x);
    found[`${name} on ${paper}`] = (a + 0.05) / (b + 0.05); }
  return found; })()"""


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_told_from_what_they_are_on(
    dark: bool, browser: Browser, pages: dict[str, Path]
) -> None:
    """WCAG 2.2: 4.5 for text, 3 for what matters in a drawing."""
    browser.look(1100, dark=dark)
    browser.open(pages["mainlog"])
    texts = "['ink', 'muted', 'link', 'in', 'out', 'failed', 'rejected']"
    found = browser.value(CONTRASTS.replace("NAMES", texts))
    assert {n: c for n, c in found.items() if c < 4.5} == {}
    drawn = "['early', 'offered', 'plain', 'in', 'out', 'deferred', 'failed']"
    found = browser.value(CONTRASTS.replace("NAMES", drawn))
    assert {n: c for n, c in found.items() if c < 3} == {}
    dull = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, dull[4:-1].split(","))) < 200) == dark


def test_all_tables_are_on_paper(browser: Browser, pages: dict[str, Path]) -> None:
    closed = "document.querySelectorAll('details:not([open]) td').length"
    seen = """[...document.querySelectorAll('details:not([open]) td')].filter(
        cell => cell.getBoundingClientRect().height > 0 &&
        cell.checkVisibility({contentVisibilityAuto: true})).length"""
    browser.look(700, dark=True)
    browser.open(pages["hostile"])
    assert browser.value(closed) > 0
    assert browser.value(seen) == 0
    browser.look(700, dark=True, paper=True)
    assert browser.value(seen) == browser.value(closed)
    assert set(browser.value(SHOWN)) == {"wide"}
    assert browser.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.paper().startswith(b"%PDF")
