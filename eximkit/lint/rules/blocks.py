"""EXR309 to EXR311, EXS236, EXS237, EXS239: drivers and ACLs that Exim does not take.
The builder of configurations notes them as problems; this module holds their pages.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

_DAEMON = "Exim stops with a configuration error and does not start."
_SMART = "begin routers\nsmart:\n  driver = manualroute\n  transport = remote\n"

RULES: tuple[Rule, ...] = (
    Rule(
        "EXR309",
        "driver-must-come-first",
        Severity.ERROR,
        what="An option that belongs to one driver stands before the `driver` setting.",
        why="Until `driver` is set, Exim knows the generic options only, and so says "
        "that the option is unknown. " + _DAEMON,
        bad="begin transports\nremote:\n  port = 587\n  driver = smtp\n",
        good="begin transports\nremote:\n  driver = smtp\n  port = 587\n",
        reference="Exim specification, chapter 6: format of driver configurations",
    ),
    Rule(
        "EXR310",
        "route-list-and-data",
        Severity.ERROR,
        what="A manualroute router needs one of `route_list` and `route_data`, and "
        "this one has both or none.",
        why=_DAEMON,
        bad=_SMART,
        good=_SMART + "  route_list = * mx.example.org\n",
        reference="Exim specification, chapter 20: the manualroute router",
    ),
    Rule(
        "EXR311",
        "appendfile-target",
        Severity.ERROR,
        what="An appendfile transport has both `file` and `directory`.",
        why="It writes to one mailbox file or to one new file in a directory, not to "
        "both. " + _DAEMON,
        bad="begin transports\nbox:\n  driver = appendfile\n"
        "  file = /var/mail/all\n  directory = /var/mail/dir\n",
        good="begin transports\nbox:\n  driver = appendfile\n  file = /var/mail/all\n",
        reference="Exim specification, chapter 26: the appendfile transport",
    ),
    Rule(
        "EXS236",
        "malformed-driver",
        Severity.ERROR,
        what="A block of routers, transports or authenticators does not begin with "
        "`name:`, its name has other characters than letters, digits and underscores "
        "or is too long, it names no driver, or one that Exim does not have.",
        why=_DAEMON + " A line with a capital letter at its start is a macro "
        "definition and ends the block before it.",
        bad="begin transports\nremote-smtp:\n  driver = smtp\n",
        good="begin transports\nremote_smtp:\n  driver = smtp\n",
        reference="Exim specification, chapter 6: format of driver configurations",
        fix="unsafe",
    ),
    Rule(
        "EXS237",
        "malformed-acl",
        Severity.ERROR,
        what="A line of the ACL section is neither a name, nor a verb, nor a condition "
        "or modifier of the statement before it; or it has no `=` where one is due, is "
        "negated where that makes no sense, has `endpass` under a verb that does not "
        "take it, or sets a variable that is not named `acl_c...` or `acl_m...`.",
        why=_DAEMON + " Each condition stands on a line of its own.",
        bad="begin acl\ncheck:\n  permit\n",
        good="begin acl\ncheck:\n  accept\n",
        reference="Exim specification, chapter 44: format of an ACL",
        fix="unsafe",
    ),
    Rule(
        "EXS239",
        "option-conflict",
        Severity.ERROR,
        what="A driver lacks an option that it cannot do without, or has two that "
        "exclude each other: a router without a transport, a redirect router with "
        "`file` and `data`, two authenticators with one `public_name`.",
        why="Exim checks this when the whole file has been read, and names no line. "
        + _DAEMON,
        bad="begin routers\nlocal:\n  driver = accept\n",
        good="begin routers\nlocal:\n  driver = accept\n  transport = file\n",
        reference="Exim specification, chapters 15 to 33: the driver's own chapter",
    ),
)

CHECKS: tuple[Check, ...] = ()
