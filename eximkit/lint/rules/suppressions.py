"""EXI: the comments that take back findings (`lint/ignores.py` finds these)."""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "EXI001",
        "unused-ignore",
        Severity.WARNING,
        what="A comment takes back a finding that is not there.",
        why="It was needed once, or stands before the wrong line. Left in place it "
        "will hide the same defect when somebody brings it back.",
        bad="# eximkit: ignore[EXH301] the server is our own\n"
        "primary_hostname = mail.example.org\n",
        good="primary_hostname = mail.example.org\n",
        reference="eximkit: comments that take back findings",
        fix="safe",
    ),
    Rule(
        "EXI002",
        "malformed-ignore",
        Severity.WARNING,
        what="A comment begins with `# eximkit:` and is not of the form "
        "`# eximkit: ignore[CODE,CODE] reason`, names a code that no rule has, or "
        "gives no reason.",
        why="It takes back nothing, although its author thinks so. The reason is "
        "asked for because the next reader has to decide whether it still holds.",
        bad="# eximkit: ignore EXH301\nprimary_hostname = mail.example.org\n",
        good="# A comment of another kind is left alone.\n"
        "primary_hostname = mail.example.org\n",
        reference="eximkit: comments that take back findings",
    ),
)

CHECKS: tuple[Check, ...] = ()
