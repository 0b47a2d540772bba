"""One finding per line, each as in `eximkit.lint/1`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from eximkit.report.finding_json import finding_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.result import LintResult
    from eximkit.report.style import Style


def report(result: LintResult, _style: Style) -> Iterator[str]:
    """No line for the result as a whole: what is clean prints nothing."""
    for finding in result.findings:
        yield json.dumps(finding_row(finding)) + "\n"
