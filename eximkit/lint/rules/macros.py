"""EXM, and EXS233 to EXS235: macros, conditionals and includes that stop the reading.
The pre-processor notes them as problems; this module holds their pages.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

_DAEMON = "Exim stops with a configuration error and does not start."

RULES: tuple[Rule, ...] = (
    Rule(
        "EXM401",
        "macro-prefix-capture",
        Severity.ERROR,
        what="The name of a macro contains the name of one that was defined before it.",
        why="Macros are replaced wherever their names occur, inside words too, in the "
        "order of definition: the shorter one would always be replaced first, and the "
        "longer one never be seen. " + _DAEMON,
        bad="HOST = mail\nHOST_ALIAS = mx\n",
        good="HOST_ALIAS = mx\nHOST = mail\n",
        reference="Exim specification, chapter 6: macros in the configuration file",
    ),
    Rule(
        "EXM407",
        "include-not-absolute",
        Severity.ERROR,
        what="`.include_if_exists` names a file without its whole path.",
        why="`.include` takes a name relative to the including file, "
        "`.include_if_exists` does not. " + _DAEMON,
        bad=".include_if_exists local.conf\n",
        good=".include_if_exists /etc/exim/local.conf\n",
        reference="Exim specification, chapter 6: file inclusions",
    ),
    Rule(
        "EXM409",
        "redefinition-with-single-equals",
        Severity.ERROR,
        what="A macro is defined a second time with `=`.",
        why="`==` redefines; `=` insists on a new name, so that two parts of a "
        "configuration do not share a name by accident. " + _DAEMON,
        bad="DOMAIN = example.org\nDOMAIN = example.com\n",
        good="DOMAIN = example.org\nDOMAIN == example.com\n",
        reference="Exim specification, chapter 6: redefining macros",
        fix="safe",
    ),
    Rule(
        "EXS233",
        "malformed-macro-definition",
        Severity.ERROR,
        what="A line that begins with an upper-case letter is a macro definition, and "
        "this one is malformed: no `=`, a name with other characters than letters, "
        "digits and underscores, a name of more than 63 characters, or `==` for a "
        "macro that does not exist.",
        why=_DAEMON + " Option names are in lower case: `Primary_hostname` is read as "
        "a macro.",
        bad="MAIL-HOST = mail.example.org\n",
        good="MAIL_HOST = mail.example.org\n",
        reference="Exim specification, chapter 6: macros in the configuration file",
    ),
    Rule(
        "EXS234",
        "unbalanced-conditional",
        Severity.ERROR,
        what="`.endif` is missing at the end of the configuration, or an `.else`, "
        "`.elifdef` or `.endif` has no `.ifdef` before it.",
        why=_DAEMON + " Exim knows these words in lower case only, followed by a "
        "space: a line `.ifdef<tab>NAME` is dropped without a word, and its `.endif` "
        "is then one too many.",
        bad=".ifdef SMARTHOST\nprimary_hostname = mail.example.org\n",
        good=".ifdef SMARTHOST\nprimary_hostname = mail.example.org\n.endif\n",
        reference="Exim specification, chapter 6: conditional skips",
    ),
    Rule(
        "EXS235",
        "include-failed",
        Severity.ERROR,
        what="A file named by `.include` is not there or cannot be read, or the files "
        "include each other for ever.",
        why=_DAEMON + " `.include_if_exists` passes over a file that is not there.",
        bad=".include /etc/exim/no-such-file.conf\n",
        good=".include_if_exists /etc/exim/no-such-file.conf\n",
        reference="Exim specification, chapter 6: file inclusions",
    ),
)

CHECKS: tuple[Check, ...] = ()
