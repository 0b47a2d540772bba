"""Annotations for GitHub Actions (workflow commands).

GitHub shows the first ten of each kind for a step, so the worst come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.lint.result import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Finding
    from eximkit.lint.result import LintResult
    from eximkit.report.style import Style

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
_DATA = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_PROPERTY = {**_DATA, ord(":"): "%3A", ord(","): "%2C"}


def report(result: LintResult, _style: Style) -> Iterator[str]:
    """One workflow command per finding, the worst first."""
    for finding in sorted(result.findings, key=lambda f: (f.severity.rank, *order(f))):
        yield _command(finding)


def _command(finding: Finding) -> str:
    place = finding.place
    properties = {
        "file": place.path,
        "line": str(place.line),
        "endLine": str(place.end_line),
        "col": str(place.column),
        "endColumn": str(place.end_column),
        "title": f"{finding.code} {finding.name}",
    }
    if place.end_line != place.line:
        # Columns of a range over several lines are refused.
        del properties["col"], properties["endColumn"]
    told = ",".join(f"{k}={v.translate(_PROPERTY)}" for k, v in properties.items())
    wire = finding.wire
    message = finding.message
    if wire is not None:
        message += f"\nfirst contact: {wire.first}\nlater contacts: {wire.later}"
    return f"::{_COMMANDS[finding.severity.value]} {told}::{message.translate(_DATA)}\n"
