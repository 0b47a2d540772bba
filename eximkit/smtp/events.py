"""What a dialogue gives to who drives it.

Not frozen: each is made for one use and read at once, and to freeze one costs more time
than to make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.smtp.auth import Proof
    from eximkit.smtp.commands import Command
    from eximkit.smtp.replies import Reply
    from eximkit.smtp.states import Step


@dataclass(slots=True)
class Replied:
    """Client: a step was answered. command: what was sent, None for other steps.

    unasked: the server says 421 on its own.
    """

    step: Step
    reply: Reply
    command: Command | None = None
    unasked: bool = False


@dataclass(slots=True)
class Opened:
    """Server: a connection is there. reply: the banner."""

    reply: Reply


@dataclass(slots=True)
class Received:
    """Server: a command that is in order. reply: what to answer if nothing is wrong."""

    command: Command
    reply: Reply


@dataclass(slots=True)
class Authenticating:
    """Server: a client has shown who it is. reply: refuses; answer 235 to accept."""

    proof: Proof
    reply: Reply


@dataclass(slots=True)
class Refused:
    """Server: input that is answered without being acted on.

    fatal: the connection ends with this reply; what else arrives is to be read and
    dropped for a while, so that the client reads the reply and not a reset.
    """

    line: bytes
    reply: Reply
    fatal: bool = False


@dataclass(slots=True)
class Challenge:
    """Server: the next challenge of an AUTH exchange. reply: 334 with it."""

    reply: Reply


@dataclass(slots=True)
class Content:
    """Server: octets of a message, dots taken off. There is nothing to answer."""

    octets: bytes


@dataclass(slots=True)
class ContentEnded:
    """Server: a message is complete; answering 2xx takes responsibility for it.

    size: its octets, more than `Content` gave where it was too large. bare: a CR or
    an LF stood alone in it. verdicts: PRDR wants one answer for each of the recipients.
    """

    reply: Reply
    sender: str
    recipients: tuple[str, ...]
    size: int
    bare: bool
    verdicts: bool


ServerEvent = (
    Opened | Received | Authenticating | Refused | Challenge | Content | ContentEnded
)
