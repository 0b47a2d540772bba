"""A drawing of matplotlib as a part of an HTML page.

What matplotlib writes is a document of its own, with black and white in it. In a page
it takes the page's font and colours, also where these change, and shares its ids.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET  # for what matplotlib has just written
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

INKS = (
    "ink", "muted", "grid", "early", "offered", "plain", "none", "in", "out",
    "deferred", "failed", "rejected",
)  # fmt: skip
"""The colours of charts: CSS variables of the page, and of each the light and the dark
one are in its style sheet."""

_SETTINGS: Any = {
    name: value
    for name, value in mpl.rcParamsDefault.items()
    if not name.startswith("backend")
}
_SETTINGS |= {
    "svg.fonttype": "none", "svg.hashsalt": "eximkit", "text.parse_math": False,
}  # fmt: skip
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_KEPT = {
    "path": ("d",), "g": ("clip-path",), "text": ("x", "y", "transform"),
    "use": ("x", "y"), "rect": ("x", "y", "width", "height"), "clipPath": (),
    "defs": (),
}  # fmt: skip
"""Elements, and attributes, that a chart is made of."""
_DROPPED = ("font-family", "stroke-linecap: square")
_INK = re.compile(r"#0001([0-9a-f]{2})")
_NUMBER = re.compile(r"-?\d+\.\d+")
_NO_TURN = re.compile(r"rotate\(-?0 ")


def ink(name: str) -> str:
    """The colour to draw with that becomes the page's colour of this name."""
    return f"#0001{INKS.index(name):02x}"


def settings() -> AbstractContextManager[None]:
    """Within it, figures are made with nothing of the user's own settings."""
    return mpl.rc_context(_SETTINGS)


def inline(
    figure: Figure, name: str, title: str, description: str, kind: str
) -> Markup:
    """A figure as an SVG element with a title and a description.

    name: what its ids begin with, unique in the page. kind: its CSS class.
    """
    FigureCanvasSVG(figure)
    out = io.BytesIO()
    with settings():
        figure.savefig(out, format="svg", metadata=_NO_METADATA, transparent=True)
    root = ET.fromstring(out.getvalue())  # noqa: S314 - written by matplotlib
    box = escape(root.get("viewBox", ""))
    inner = "".join(_written(root, name, _referred(root)))
    return Markup(  # noqa: S704 - all that goes in is escaped
        f'<svg class="{kind}" viewBox="{box}" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}'
        f'</title><desc id="{name}-d">{escape(description)}</desc>{inner}</svg>'
    )


def _referred(root: ET.Element) -> dict[str, str]:
    """The ids that something refers to, by new names."""
    found: dict[str, str] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            for old in (
                [value[1:]] if key.endswith("href") else re.findall(r"url\(#(.*?)\)",
                                                                    value)
            ):  # fmt: skip
                found.setdefault(old, f"{len(found)}")
    return found


def _written(parent: ET.Element, name: str, ids: dict[str, str]) -> Iterator[str]:
    """The elements within one, without what a page has no use for."""
    for element in parent:
        tag = element.tag.rpartition("}")[2]
        if tag not in _KEPT:
            continue
        inner = "".join(_written(element, name, ids))
        text = escape(element.text or "") if tag == "text" else ""
        attributes = "".join(_attributes(element, tag, name, ids))
        if tag in {"g", "defs"} and not (inner and attributes):
            # Its children say all of it, for no id is needed.
            yield f"<defs>{inner}</defs>" if inner and tag == "defs" else inner
        elif tag != "path" or element.get("d"):
            yield f"<{tag}{attributes}>{text}{inner}</{tag}>"


def _attributes(
    element: ET.Element, tag: str, name: str, ids: dict[str, str]
) -> Iterator[str]:
    old = element.get("id")
    if old in ids:
        yield f' id="{name}-{ids[old]}"'
    for key, value in element.attrib.items():
        if key == "style":
            style = _style(value)
            if style:
                yield f' style="{escape(style)}"'
        elif key.endswith("href"):
            yield f' href="#{name}-{ids[value[1:]]}"'
        elif key == "clip-path":
            yield f' clip-path="url(#{name}-{ids[value[5:-1]]})"'
        elif key in _KEPT[tag] and not _NO_TURN.match(value):
            short = _NUMBER.sub(_rounded, " ".join(value.split()))
            yield f' {key}="{escape(short)}"'


def _style(style: str) -> str:
    parts = [part.strip() for part in style.split(";")]
    kept = ";".join(
        part.replace(": ", ":")
        for part in parts
        if part and not part.startswith(_DROPPED)
    )
    return _INK.sub(lambda found: f"var(--{INKS[int(found[1], 16)]})", kept)


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")
