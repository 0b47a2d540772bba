"""Rules for people and for programs: what `eximkit explain` shows."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.lint.rule import Rule
    from eximkit.report.style import Style

SCHEMA = "eximkit.explain/1"

_FIXES = {
    "safe": "a safe one, made by --fix where it holds",
    "unsafe": "one to look at first, made by --fix --unsafe-fixes where it holds",
    "": "none",
}


def pages(rules: Iterable[Rule], style: Style) -> Iterator[str]:
    """The whole page of each rule."""
    for number, rule in enumerate(rules):
        if number:
            yield "\n"
        yield from (line + "\n" for line in _page(rule, style))


def _page(rule: Rule, style: Style) -> Iterator[str]:
    severity = style.paint(rule.severity.value, rule.severity.value)
    yield f"{style.paint('bold', rule.code)} {rule.name} ({severity})"
    for title, text in (("What", rule.what), ("Why", rule.why)):
        yield ""
        yield style.paint("bold", title)
        yield from textwrap.wrap(
            text, style.width - 4, initial_indent="  ", subsequent_indent="  ",
            break_on_hyphens=False,
        )  # fmt: skip
    for title, text in (("Bad", rule.bad), ("Good", rule.good)):
        yield ""
        yield style.paint("bold", title)
        for line in text.rstrip("\n").split("\n"):
            yield f"  {_visible(line)}".rstrip()
    yield ""
    yield f"Since      {'Exim ' + rule.since if rule.since else 'any release'}"
    yield f"Fix        {_FIXES[rule.fix]}"
    lines = textwrap.wrap(rule.reference, style.width - 11, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"{'Reference' if number == 0 else '':<11}{line}"


def _visible(line: str) -> str:
    return line.replace("\ufeff", "<byte order mark>")


def table(rules: Iterable[Rule], style: Style) -> Iterator[str]:
    """One line for each rule."""
    for rule in rules:
        severity = style.paint(rule.severity.value, f"{rule.severity.value:<7}")
        fix = f"  fix: {rule.fix}" if rule.fix else ""
        yield f"{rule.code}  {severity}  {rule.name}{fix}\n"


def document(rules: Iterable[Rule]) -> str:
    """The pages as one JSON document."""
    rows = [_row(rule) for rule in rules]
    return json.dumps({"schema": SCHEMA, "rules": rows}, indent=2) + "\n"


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "what": rule.what,
        "why": rule.why,
        "bad": rule.bad,
        "good": rule.good,
        "reference": rule.reference,
        "since": rule.since or None,
        "fix": rule.fix or None,
    }
