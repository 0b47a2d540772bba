"""The L field: whether PIPELINING and early pipelining were used on a connection.

Exim specification, chapter "Log files", sections "Summary of Fields in Log Lines" and
"Reducing or increasing what is logged" (selector `pipelining`): on `<=` lines L is
there where the server offered PIPELINING, `-` follows where the client made no use of
it, `.` tells that PIPECONNECT was offered as well and `*` that the client used it. On
delivery lines L says that PIPELINING was used and `*` that the sending was early.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """What one form of the L field says.

    offered: PIPELINING was in the response to EHLO. used: and the client pipelined.
    early_offered, early_used: the same of PIPECONNECT; None where the form cannot tell.
    """

    text: str
    offered: bool
    used: bool
    early_offered: bool | None
    early_used: bool
    meaning: str


INBOUND = {
    form.text: form
    for form in (
        Form("L", True, True, False, False, "PIPELINING used"),
        Form("L-", True, False, False, False, "PIPELINING offered, not used"),
        Form("L.", True, True, True, False, "PIPECONNECT offered, PIPELINING used"),
        Form("L.-", True, False, True, False, "both offered, neither used"),
        Form("L*", True, True, True, True, "early, PIPELINING used"),
        Form("L*-", True, False, True, True, "early, PIPELINING not used later on"),
    )
}
"""Of `<=` and `(=` lines. A server that takes early input offers PIPECONNECT."""

OUTBOUND = {
    form.text: form
    for form in (
        Form("L", True, True, None, False, "PIPELINING used"),
        Form("L*", True, True, True, True, "early"),
    )
}
"""Of `=>`, `->` and `>>` lines."""

ABSENT = Form("", False, False, None, False, "PIPELINING not offered, or not logged")
"""No L field: not offered to this client or by this server, or the selector is off."""


def meaning(form: str, direction: str) -> Form:
    """The meaning of the L field of a line.

    form: such as `L.-`, or "" for none. direction: "in" or "out". KeyError for a form
    that lines of this direction never have.
    """
    if not form:
        return ABSENT
    return (INBOUND if direction == "in" else OUTBOUND)[form]
