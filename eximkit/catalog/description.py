"""What a name means, for a person who asks: kinds, forms, releases and a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.catalog import names, options
from eximkit.catalog.defaults import default
from eximkit.catalog.lookups import lookup_options
from eximkit.catalog.releases import NEWEST, Release
from eximkit.catalog.tables import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog.entries import Entry, OptionInfo

_HEADERS = {"h": "h", "header": "h", "bh": "bh", "bheader": "bh", "lh": "lh",
            "lheader": "lh", "rh": "rh", "rheader": "rh"}  # fmt: skip
_LISTS = {"": "", "string": "string list", "domain": "domain list", "host": "host list",
          "address": "address list", "localpart": "local part list"}  # fmt: skip
# Whether what follows an operator's name is some of its arguments: `h_1` is, while
# `h_subject` is a header.
_ARGUMENTS = {
    "digits": re.compile(r"(?:_[0-9]*)*"),
    "signed": re.compile(r"(?:_-?[0-9]*)*"),
    "any": re.compile(r"(?:_.*)?"),
    "": re.compile(""),
}
# The longest name that anything has is far shorter.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Description:
    """One meaning of a name.

    kind: "item", "operator", "condition", "variable", "header", "lookup type",
    "ACL verb", "ACL condition", "ACL modifier", "log selector", "main option",
    "router option", "transport driver", … form: how it is written, one or more ways.
    text: a sentence, "" where the form says all. minimum, maximum: braced arguments
    without the yes and no strings, None for no limit and for what has no arguments.
    where: of an option, its section ("transport:smtp").
    """

    name: str
    kind: str
    form: tuple[str, ...]
    text: str = ""
    minimum: int | None = None
    maximum: int | None = None
    since: Release | None = None
    until: Release | None = None
    certain: bool = True
    optional: bool = False
    where: str = ""


def describe(name: str, release: Release = NEWEST) -> list[Description]:
    """All that a name can mean, in any release; [] for a name that means nothing.

    The name may be as it is written: `$h_subject:`, `${lc`, `substr_1_2`, `!match`.
    release: for what a text tells of a value that changed.
    """
    written = name.strip()
    bare = written.lstrip("${!").rstrip("}:{").strip()
    if not bare or len(bare) > _LONGEST:
        return []
    if written.startswith("$") and not written.startswith("${"):
        return [*_variables(bare)]
    return [
        *_items(bare),
        *_operators(bare),
        *_conditions(bare),
        *_variables(bare),
        *_lookups(bare, release),
        *_acl(bare),
        *_log_selectors(bare, release),
        *_drivers(bare),
        *_options(bare, release),
    ]


def _help(table: str, name: str) -> tuple[str, tuple[str, ...]]:
    lines: dict[str, list[str]] = load("help")[table]
    text, *form = lines.get(name, [""])
    return text, tuple(form)


def _of(
    entry: Entry,
    kind: str,
    form: tuple[str, ...],
    text: str = "",
    minimum: int | None = None,
    maximum: int | None = None,
    where: str = "",
) -> Description:
    return Description(
        entry.name, kind, form, text, minimum, maximum, entry.since, entry.until,
        entry.certain, entry.optional, where,
    )  # fmt: skip


def _items(name: str) -> Iterator[Description]:
    if info := names.item(name):
        text, form = _help("items", name)
        yield _of(info, "item", form, text, info.minimum, info.maximum)


def _operators(name: str) -> Iterator[Description]:
    info = names.operator(name)
    if info is not None and _ARGUMENTS[info.arguments].fullmatch(
        name[len(info.name) :]
    ):
        text, form = _help("operators", info.name)
        form = form or (f"${{{info.name}:STRING}}",)
        yield _of(info, "operator", form, text, 1, 1)


def _conditions(name: str) -> Iterator[Description]:
    if info := names.condition(name):
        text, form = _help("conditions", name)
        if not form:
            form = ("".join((name, *("{A}", "{B}")[: info.minimum])),)
        yield _of(info, "condition", form, text, info.minimum, info.maximum)


def _variables(name: str) -> Iterator[Description]:
    prefix, line, rest = name.partition("_")
    if line and rest and prefix in _HEADERS:
        text, form = _help("headers", _HEADERS[prefix])
        yield Description(name, "header", form, text)
    elif info := names.variable(name):
        yield _of(info, "variable", (f"${name}",))


def _lookups(name: str, release: Release) -> Iterator[Description]:
    info = names.lookup_type(name)
    if info is None:
        return
    text, _ = _help("lookups", name)
    form = f"{{KEY}} {name}{{FILE}}" if info.single_key else f" {name}{{QUERY}}"
    known = lookup_options(name, release)
    if known:
        text += f" Options: {', '.join(option.name for option in known)}."
    yield _of(info, "lookup type", (f"${{lookup{form}}}",), text)


def _acl(name: str) -> Iterator[Description]:
    if name in names.acl_verbs:
        text, _ = _help("verbs", name)
        yield Description(name, "ACL verb", (name,), text)
    if info := names.acl_condition(name):
        text, _ = _help("acl", name)
        kind = "ACL modifier" if info.modifier else "ACL condition"
        forms = {"endpass": "endpass", "set": "set acl_m_NAME = VALUE"}
        yield _of(info, kind, (forms.get(name, f"{name} = VALUE"),), text)


def _log_selectors(name: str, release: Release) -> Iterator[Description]:
    info = names.log_selector(name.lstrip("+-"))
    if info is not None:
        on = info.name in names.default_log_selectors(release)
        text = "On unless it is turned off." if on else "Off unless it is turned on."
        yield _of(info, "log selector", (f"+{info.name}", f"-{info.name}"), text)


def _drivers(name: str) -> Iterator[Description]:
    for kind in ("router", "transport", "authenticator"):
        if entry := options.drivers(kind).get(name):
            yield _of(entry, f"{kind} driver", (f"driver = {name}",))


def _options(name: str, release: Release) -> Iterator[Description]:
    seen = set()
    for kind, driver in options.places():
        info = options.option(kind, driver, name)
        if info is None or info.section in seen:
            continue
        seen.add(info.section)
        yield _of(
            info, f"{kind} option", (f"{name} = VALUE",),
            _value(info, default(kind, driver, name, release), release),
            where=info.section,
        )  # fmt: skip


def _value(info: OptionInfo, unset: str | None, release: Release) -> str:
    """What an option's value is: "host list, expanded; * where it is not set"."""
    words = [_LISTS[info.list] or info.type.rstrip("!").replace("-", " ")]
    if info.expanded_in(release):
        words.append("expanded")
    if info.multi:
        words.append("may be set more than once")
    text = ", ".join(words)
    if unset:
        text += f"; {unset} where it is not set"
    return f"{text[0].upper()}{text[1:]}."
