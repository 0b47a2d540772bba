"""EXH: names in greetings that are wrong whenever they are used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit.lint.finding import Severity
from eximkit.lint.fixes import deleting_line
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.source import BLANK, display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Finding

_TRANSPORT = "begin transports\nremote:\n  driver = smtp\n"

EMPTY = Rule(
    "EXH301",
    "empty-helo",
    Severity.ERROR,
    what="`helo_data` is set to nothing.",
    why="Exim then sends EHLO without a name. Many servers refuse that, and with "
    "early pipelining the message bounces. Without the setting Exim says "
    "`$primary_hostname`.",
    bad=_TRANSPORT + "  helo_data =\n",
    good=_TRANSPORT,
    reference="Exim specification, chapter 30: the smtp transport, helo_data; "
    "RFC 5321 section 4.1.1.1",
    fix="safe",
)
UNQUALIFIED = Rule(
    "EXH302",
    "helo-not-fqdn",
    Severity.WARNING,
    what="`helo_data` is a constant name of one part only, or that of the local host.",
    why="A client has to name itself by a name that the domain name system knows, or "
    "by an address literal. Many servers refuse other greetings, or count them "
    "towards spam.",
    bad=_TRANSPORT + "  helo_data = localhost\n",
    good=_TRANSPORT + "  helo_data = mail.example.org\n",
    reference="RFC 5321 sections 2.3.5 and 4.1.4",
)

RULES: tuple[Rule, ...] = (EMPTY, UNQUALIFIED)

_ONE_LABEL = re.compile(r"[A-Za-z0-9_-]+\.?|localhost\.localdomain", re.ASCII)


def check_names(context: RuleContext) -> Iterator[Finding]:
    """The constant names of every smtp transport."""
    for transport in context.config.transports:
        option = transport.options.get("helo_data")
        if transport.driver != "smtp" or option is None or option.value is None:
            continue
        name = option.text.strip(BLANK)
        if not name:
            line = option.line.place(0, len(option.line))
            fix, unfixable = deleting_line(line, safe=True, title="delete the setting")
            yield EMPTY.finding(
                "helo_data is empty: Exim sends EHLO without a name",
                option.name_place, section="transports", driver=transport.name,
                option="helo_data", fix=fix, unfixable=unfixable,
            )  # fmt: skip
        elif _ONE_LABEL.fullmatch(name):
            yield UNQUALIFIED.finding(
                f"{display(name)} is not a fully qualified domain name",
                option.value.place(0, len(option.value)), section="transports",
                driver=transport.name, option="helo_data",
            )  # fmt: skip


CHECKS: tuple[Check, ...] = (check_names,)
