"""EXR304, EXR305, EXR308, EXR315: names that are unknown, missing or given twice.
The builder of configurations notes them as problems; this module holds their pages.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

_DAEMON = "Exim stops with a configuration error and does not start."
_HEAD = "begin routers\n"

RULES: tuple[Rule, ...] = (
    Rule(
        "EXR304",
        "undefined-router-reference",
        Severity.ERROR,
        what="`pass_router` or `redirect_router` names a router that does not exist, "
        "or `pass_router` one that stands before this router.",
        why="Both are looked up when the configuration is read, unlike the names of "
        "transports. " + _DAEMON,
        bad=_HEAD + "local:\n  driver = accept\n  transport = file\n"
        "  pass_router = remote\n",
        good=_HEAD + "local:\n  driver = accept\n  transport = file\n"
        "  pass_router = remote\n"
        "remote:\n  driver = accept\n  transport = file\n",
        reference="Exim specification, chapter 15: generic options for routers",
    ),
    Rule(
        "EXR305",
        "duplicate-definition",
        Severity.ERROR,
        what="Two drivers of one kind, two ACLs or two lists of one kind have the same "
        "name, or an option is set twice in one block.",
        why=_DAEMON + " It names one of the two places only. A few options may be "
        "repeated (`headers_add`, `headers_remove`, a router's `condition` and `set`).",
        bad="primary_hostname = mail.example.org\nprimary_hostname = mx.example.org\n",
        good="primary_hostname = mail.example.org\n",
        reference="Exim specification, chapter 6: common option syntax",
    ),
    Rule(
        "EXR308",
        "unknown-option",
        Severity.ERROR,
        what="No option of this name exists for this section or driver, in any release "
        "that is known.",
        why=_DAEMON + " It stops at the first such line, so that every further one "
        "shows itself at the next start only.",
        bad="primary_hostnam = mail.example.org\n",
        good="primary_hostname = mail.example.org\n",
        reference="Exim specification, chapter 14, and the chapter of each driver",
        fix="unsafe",
    ),
    Rule(
        "EXR315",
        "bad-section",
        Severity.ERROR,
        what="`begin` is followed by a name that is no section, by a section that the "
        "file has already had, or by more than a name; or by `local_scan`, whose "
        "options only a specially built Exim takes.",
        why=_DAEMON + " The sections are acl, authenticators, routers, transports, "
        "retry and rewrite, each once, in any order; the main part cannot be returned "
        "to.",
        bad="begin router_list\n",
        good="begin routers\n",
        reference="Exim specification, chapter 6: configuration file format",
    ),
)

CHECKS: tuple[Check, ...] = ()
