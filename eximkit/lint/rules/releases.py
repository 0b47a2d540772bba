"""EXD601, EXD602, EXO901: names that the stated release does not have, and log
selectors. The builder notes them as problems; this module holds their pages.
"""

from __future__ import annotations

from eximkit.lint.finding import Severity
from eximkit.lint.rule import Check, Rule

_DAEMON = "Exim stops with a configuration error and does not start."

RULES: tuple[Rule, ...] = (
    Rule(
        "EXD601",
        "removed-option",
        Severity.ERROR,
        what="The option existed in earlier releases and is gone from the one that "
        "`--exim-version` names.",
        why=_DAEMON + " After an upgrade that means: no mail until somebody looks.",
        bad="allow_insecure_tainted_data = yes\n",
        good="# 4.96 took the escape away: rewrite the settings that need it.\n"
        "primary_hostname = mail.example.org\n",
        reference="Exim README.UPDATING and NewStuff of the release that removed it",
    ),
    Rule(
        "EXD602",
        "option-too-new",
        Severity.ERROR,
        what="The option, driver or ACL condition came with a later release than the "
        "one that `--exim-version` names.",
        why=_DAEMON + " A macro tells whether this Exim has it, so that one file can "
        "serve several releases.",
        bad="acl_smtp_wellknown = accept\n",
        good=".ifdef _OPT_MAIN_ACL_SMTP_WELLKNOWN\nacl_smtp_wellknown = accept\n"
        ".endif\n",
        reference="Exim specification, chapter 6: predefined macros; NewStuff",
    ),
    Rule(
        "EXO901",
        "unknown-log-selector",
        Severity.ERROR,
        what="An item of `log_selector` is no selector, or does not begin with `+` or "
        "`-`.",
        why=_DAEMON + " The sign is part of the word: no blank may follow it.",
        bad="log_selector = +pipelinning\n",
        good="log_selector = +pipelining\n",
        reference="Exim specification, chapter 53: what is logged",
        fix="unsafe",
    ),
)

CHECKS: tuple[Check, ...] = ()
