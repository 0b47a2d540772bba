"""SARIF 2.1.0 (OASIS): results, rules with their pages, fixes, the way of the text.

Paths that are relative stay so, under the base SRCROOT (where the command was run);
absolute ones stand under ROOT. Standard input, and text that was made up while a
configuration was put together, has a message and no location.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from eximkit import __version__
from eximkit.lint.rules import registry
from eximkit.report.provenance import related
from eximkit.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Edit, Finding, Fix
    from eximkit.lint.result import LintResult
    from eximkit.lint.rule import Rule
    from eximkit.report.style import Style
    from eximkit.source import Place, SourceFile

_Json = dict[str, Any]

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_STDIN = "-"
_BASES: _Json = {
    "SRCROOT": {
        "description": {"text": "The directory in which eximkit was run."},
    },
    "ROOT": {"uri": "file:///"},
}


def report(result: LintResult, _style: Style) -> Iterator[str]:
    """One log with one run."""
    codes = list(dict.fromkeys(sorted(f.code for f in result.findings)))
    index = {code: number for number, code in enumerate(codes)}
    run: _Json = {
        "tool": {
            "driver": {
                "name": "eximkit",
                "semanticVersion": __version__,
                "properties": {"eximVersion": str(result.release)},
                "rules": [_rule(registry()[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": _BASES,
        "results": [
            _result(finding, index[finding.code], result.sources)
            for finding in result.findings
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    yield json.dumps(log, indent=2) + "\n"


def _rule(rule: Rule) -> _Json:
    text = (
        f"{rule.what}\n\n{rule.why}\n\nBad:\n{rule.bad}\nGood:\n{rule.good}\n"
        f"Reference: {rule.reference}"
    )
    markdown = (
        f"{rule.what}\n\n{rule.why}\n\n**Bad**\n\n```\n{rule.bad}```\n\n"
        f"**Good**\n\n```\n{rule.good}```\n\nReference: {rule.reference}"
    )
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.what},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": _LEVELS[rule.severity.value]},
    }


def _result(finding: Finding, number: int, sources: dict[str, SourceFile]) -> _Json:
    places = related(finding)
    row: _Json = {
        "ruleId": finding.code,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity.value],
        "message": {"text": _message(finding)},
        "locations": _locations([finding.place]),
        "properties": _properties(finding),
    }
    told = [_told(i, text, at) for i, (text, at) in enumerate(places, 1)
            if _is_file(at)]  # fmt: skip
    if told:
        row["relatedLocations"] = told
    steps = _steps(finding, places)
    if len(steps) > 1:
        row["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if finding.fix is not None and _STDIN not in {e.path for e in finding.fix.edits}:
        row["fixes"] = [_fix(finding.fix, sources)]
    return row


def _message(finding: Finding) -> str:
    lines = [finding.message]
    if finding.wire is not None:
        lines.append(f"First contact: {finding.wire.first or 'no greeting'}.")
        lines.append(f"Later contacts: {finding.wire.later or 'no greeting'}.")
    return "\n".join((*lines, *finding.notes))


def _properties(finding: Finding) -> _Json:
    return {
        "section": finding.section,
        "driver": finding.driver,
        "option": finding.option,
        "eximRefuses": finding.exim_refuses,
    }


def _is_file(place: Place) -> bool:
    """Whether the text of a place can be looked up."""
    return place.path != _STDIN and not place.file.generated


def _locations(places: list[Place]) -> list[_Json]:
    return [{"physicalLocation": _physical(p)} for p in places if _is_file(p)]


def _told(number: int, text: str, place: Place) -> _Json:
    return {
        "id": number,
        "message": {"text": text},
        "physicalLocation": _physical(place),
    }


def _steps(finding: Finding, places: list[tuple[str, Place]]) -> list[_Json]:
    """The way of a text that a macro supplied: from the definition to the use."""
    if finding.place.use is None:
        return []
    way = [*reversed(places), (finding.message, finding.place)]
    return [
        {
            "location": {
                "message": {"text": text},
                "physicalLocation": _physical(place),
            }
        }
        for text, place in way
        if _is_file(place)
    ]


def _physical(place: Place) -> _Json:
    return {
        "artifactLocation": _artifact(place.path),
        "region": _region(place.file, place.start, place.end),
    }


def _artifact(path: str) -> _Json:
    # Colons are escaped too: what stands before one would pass for a scheme.
    uri = quote(path.encode("utf-8", "surrogateescape"))
    if uri.startswith("/"):
        return {"uri": uri.lstrip("/"), "uriBaseId": "ROOT"}
    return {"uri": uri.removeprefix("./"), "uriBaseId": "SRCROOT"}


def _region(file: SourceFile, start: int, end: int) -> _Json:
    return {
        "startLine": file.line(start),
        "startColumn": file.column(start),
        "endLine": file.line(end),
        "endColumn": file.column(end),
    }


def _fix(fix: Fix, sources: dict[str, SourceFile]) -> _Json:
    changes: dict[str, list[_Json]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.path, []).append(_replacement(edit, sources[edit.path]))
    kind = "safe" if fix.safe else "unsafe"
    return {
        "description": {"text": f"{fix.title or 'edit'} ({kind})"},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": rows}
            for path, rows in changes.items()
        ],
    }


def _replacement(edit: Edit, file: SourceFile) -> _Json:
    return {
        "deletedRegion": _region(file, edit.start, edit.end),
        "insertedContent": {"text": decode(edit.text)},
    }
