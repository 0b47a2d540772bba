"""One line for each finding: `path:line:column: CODE severity: message`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.result import LintResult
    from eximkit.report.style import Style


def report(result: LintResult, style: Style) -> Iterator[str]:
    """The form that editors and `grep` understand."""
    for finding in result.findings:
        place = finding.place
        severity = style.paint(finding.severity.value, finding.severity.value)
        yield (
            f"{place.path}:{place.line}:{place.column}: {finding.code} "
            f"{severity}: {finding.message}\n"
        )
