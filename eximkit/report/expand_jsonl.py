r"""The answers of `eximkit expand --jsonl`: one JSON object on each line.

Text is Unicode; octets that are not UTF-8 go out as surrogate escapes (`\udc80` to
`\udcff`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eximkit.expansion.values import Failure
from eximkit.lint.finding import Severity
from eximkit.report.finding_json import finding_row
from eximkit.source import decode

if TYPE_CHECKING:
    from eximkit.expansion.values import Kind, Known
    from eximkit.lint.result import LintResult


def value_line(result: Known | Failure) -> str:
    """The value, or why there is none."""
    if isinstance(result, Failure):
        return failure_line(decode(result.message), result.kind)
    return _line(ok=True, output=decode(result.text), error=None, kind=None)


def failure_line(message: str, kind: Kind) -> str:
    """A failure, its message as a person reads it."""
    return _line(ok=False, output=None, error=message, kind=kind)


def check_line(result: LintResult) -> str:
    """What is wrong with a string; it is `ok` unless Exim would refuse it."""
    errors = [f.message for f in result.findings if f.severity is Severity.ERROR]
    return _line(
        ok=not errors,
        output=None,
        error=errors[0] if errors else None,
        kind="syntax" if errors else None,
        findings=[finding_row(finding) for finding in result.findings],
    )


def _line(**answer: Any) -> str:  # noqa: ANN401 - what JSON can hold
    # Characters stay readable; a surrogate, which UTF-8 has no form of, is escaped.
    text = json.dumps(answer, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
