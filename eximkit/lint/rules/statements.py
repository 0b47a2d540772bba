"""EXS219 to EXS238: lines that Exim cannot read. The reader of configurations notes
them as problems; this module holds their pages.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

_STARTS = "Exim stops with a configuration error: it does not start, and a running "
_DAEMON = _STARTS + "daemon that is told to read the file again goes away."

RULES: tuple[Rule, ...] = (
    Rule(
        "EXS219",
        "byte-order-mark",
        Severity.ERROR,
        what="The file begins with a UTF-8 byte order mark (octets EF BB BF).",
        why="Exim takes no file that begins with one. Editors of other systems write "
        "it unasked, and most show nothing of it. " + _DAEMON,
        bad="\ufeffprimary_hostname = mail.example.org\n",
        good="primary_hostname = mail.example.org\n",
        reference="Exim specification, chapter 6: the run time configuration file",
        fix="safe",
    ),
    Rule(
        "EXS230",
        "malformed-setting",
        Severity.ERROR,
        what="A line where an option setting is due is not of the form `name = value`: "
        "there is no name, no `=`, or nothing after the name of an option that needs "
        "a value.",
        why=_DAEMON + " Often the line belongs to the one before it, whose backslash "
        "at the end got lost or is followed by a blank line.",
        bad="primary_hostname mail.example.org\n",
        good="primary_hostname = mail.example.org\n",
        reference="Exim specification, chapter 6: common option syntax",
    ),
    Rule(
        "EXS231",
        "bad-value",
        Severity.ERROR,
        what="The value is not one that an option of this type takes: a boolean takes "
        "yes, no, true and false; an integer takes digits with K, M or G; a time takes "
        "numbers with w, d, h, m or s, without blanks; a mode takes octal digits.",
        why=_DAEMON + " A comment after the value is part of the value: Exim has "
        "comments at the beginning of a line only.",
        bad="ignore_bounce_errors_after = 2 days\n",
        good="ignore_bounce_errors_after = 2d\n",
        reference="Exim specification, chapter 6: boolean options, integer values, "
        "time intervals",
    ),
    Rule(
        "EXS232",
        "bad-quoting",
        Severity.ERROR,
        what="A value that begins with a double quote does not end with one, or goes "
        "on after it.",
        why=_DAEMON + " Only a quote at the very beginning of a value quotes it, and "
        "then the whole of it.",
        bad='smtp_banner = "mail.example.org" ESMTP\n',
        good='smtp_banner = "mail.example.org ESMTP"\n',
        reference="Exim specification, chapter 6: string values",
    ),
    Rule(
        "EXS238",
        "malformed-rule",
        Severity.ERROR,
        what="A line of the retry section lacks its error field, names an error that "
        "is unknown, or has a malformed schedule; or a line of the rewrite section "
        "lacks its replacement or has an unknown flag.",
        why=_DAEMON + " The error field of a retry rule is not optional, and a "
        "replacement with blanks in it must be quoted.",
        bad="begin retry\n* F,2h,15m\n",
        good="begin retry\n* * F,2h,15m\n",
        reference="Exim specification, chapters 31 (rewriting) and 32 (retry)",
    ),
)

CHECKS: tuple[Check, ...] = ()
