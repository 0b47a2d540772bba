r"""The schema `eximkit.lint/1`, as one JSON document.

Text is Unicode; octets of a configuration that are not UTF-8 go out as surrogate
escapes (`\udc80` to `\udcff`). Offsets of edits are octets.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.report.provenance import related
from eximkit.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Edit, Finding, Fix, TransportGreetings
    from eximkit.lint.result import LintResult
    from eximkit.report.style import Style

SCHEMA = "eximkit.lint/1"


def report(result: LintResult, _style: Style) -> Iterator[str]:
    """The whole result."""
    yield json.dumps(document(result), indent=2) + "\n"


def document(result: LintResult) -> dict[str, Any]:
    """The result as plain data."""
    return {
        "schema": SCHEMA,
        "exim_version": str(result.release),
        "files": list(result.paths),
        "findings": [finding_row(finding) for finding in result.findings],
        "transports": [_greeting_row(row) for row in result.greetings],
        "summary": {level.value: n for level, n in result.counts().items()},
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    """One finding as plain data."""
    place, wire = finding.place, finding.wire
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "section": finding.section,
        "driver": finding.driver,
        "option": finding.option,
        "exim_refuses": finding.exim_refuses,
        "wire": {"first": wire.first, "later": wire.later} if wire else None,
        "related": [
            {"message": text, "path": at.path, "line": at.line, "column": at.column}
            for text, at in related(finding)
        ],
        "notes": list(finding.notes),
        "fix": _fix_row(finding.fix) if finding.fix else None,
        "unfixable": finding.unfixable or None,
    }


def _fix_row(fix: Fix) -> dict[str, Any]:
    return {
        "safe": fix.safe,
        "title": fix.title,
        "edits": [_edit_row(edit) for edit in fix.edits],
    }


def _edit_row(edit: Edit) -> dict[str, Any]:
    return {
        "path": edit.path,
        "start": edit.start,
        "end": edit.end,
        "text": decode(edit.text),
    }


def _greeting_row(row: TransportGreetings) -> dict[str, Any]:
    return {
        "path": row.path,
        "driver": row.driver,
        "early_possible": row.early_possible,
        "first": row.wire.first,
        "later": row.wire.later,
    }
