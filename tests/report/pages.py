"""HTML pages taken apart with the standard library, for tests to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    """An element: its name, its attributes, and what is in it in order."""

    name: str
    attributes: dict[str, str]
    parent: Element | None = None
    content: list[Element | str] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[Element]:
        """Elements within, of these names or of any, in the order of the page."""
        for each in self.content:
            if isinstance(each, Element):
                if not names or each.name in names:
                    yield each
                yield from each.all(*names)

    def one(self, name: str) -> Element:
        return next(self.all(name))

    @property
    def text(self) -> str:
        parts = (e.text if isinstance(e, Element) else e for e in self.content)
        return "".join(parts)


class _Reader(HTMLParser):
    """Strict: what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = self.here = Element("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {n: v or "" for n, v in attrs}, self.here)
        self.here.content.append(element)
        if tag not in VOID:
            self.here = element

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.here.name, f"</{tag}> in <{self.here.name}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.content.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")


def parsed(html: str) -> Element:
    """The elements of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.here is reader.top, f"<{reader.here.name}> is not closed"
    return reader.top


def value(cell: Element) -> str:
    """What a cell says exactly: the value of its number, or its text."""
    for each in cell.all("data"):
        return each.attributes["value"]
    text = cell.text.strip()
    return text.replace(",", "") if cell.attributes.get("class") == "n" else text


def tables(page: Element) -> dict[str, list[dict[str, str]]]:
    """The tables by caption: each row as values by heads; heads of spans before them.

    The row of totals is the last one, with its first cell as it is.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for table in page.all("table"):
        head = list(table.one("thead").all("tr"))
        names = [cell.text.strip() for cell in head[-1].all("th")]
        if len(head) > 1:
            spans = [(c.text.strip(), int(c.attributes["colspan"]))
                     for c in head[0].all("th")]  # fmt: skip
            before = [word for word, columns in spans for _ in range(columns)]
            names = [
                names[0],
                *(
                    f"{word} {name}"
                    for word, name in zip(before, names[1:], strict=True)
                ),
            ]
        rows = []
        for row in table.all("tr"):
            cells = list(row.all("th", "td"))
            if row in head or len(cells) != len(names):
                continue
            rows.append(dict(zip(names, map(value, cells), strict=True)))
        caption = table.one("caption").text.strip()
        assert caption not in found, f"two tables are called {caption!r}"
        found[caption] = rows
    return found
