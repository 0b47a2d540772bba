"""Messages to be sent, and the commands that each becomes by what is offered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from eximkit.errors import LocalProtocolError
from eximkit.smtp import data
from eximkit.smtp.addresses import domain_of
from eximkit.smtp.commands import Mail, Rcpt
from eximkit.smtp.parameters import xtext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.smtp.ehlo import Limits, Offer
    from eximkit.smtp.replies import Reply
    from eximkit.smtp.states import Step


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its envelope. Raises LocalProtocolError for bare line ends.

    sender: "" for <>. content: lines that end in CRLF (`data.canonical`). ret, envid,
    notify: of DSN (RFC 3461), "" for none; used where DSN is offered.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    ret: str = ""
    envid: str = ""
    notify: str = ""

    def __post_init__(self) -> None:
        data.stuffed(self.content)
        if not self.recipients:
            raise LocalProtocolError("a message needs a recipient")

    @property
    def needs_utf8(self) -> bool:
        """Whether it cannot be sent without SMTPUTF8 (RFC 6531)."""
        return not (self.sender + "".join(self.recipients)).isascii()


class Fate(Enum):
    """What became of a message for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient. reply: what decided it, None if nothing was said.

    step: what that is the answer to, None where it answers nothing of the message's.
    in_doubt: the message was sent and its reply never came; it may have been delivered,
    and will be again (RFC 5321 4.5.4.2 and 6.1).
    """

    recipient: str
    fate: Fate
    reason: str
    reply: Reply | None = None
    in_doubt: bool = False
    step: Step | None = None


def fate_of(answer: Reply) -> Fate:
    """What a reply that decides means for a recipient."""
    if answer.positive:
        return Fate.DELIVERED
    return Fate.REJECTED if answer.permanent else Fate.DEFERRED


def mail(message: Message, offer: Offer, prdr: bool) -> Mail:
    """The MAIL command: only with what is offered."""
    wanted: tuple[tuple[str, bool, str | None], ...] = (
        ("SIZE", "SIZE" in offer, str(len(message.content))),
        ("BODY", "8BITMIME" in offer and not message.content.isascii(), "8BITMIME"),
        ("SMTPUTF8", message.needs_utf8, None),
        ("PRDR", prdr and "PRDR" in offer and len(message.recipients) > 1, None),
        ("RET", "DSN" in offer and bool(message.ret), message.ret),
        ("ENVID", "DSN" in offer and bool(message.envid), xtext(message.envid)),
    )
    return Mail(message.sender, {name: value for name, use, value in wanted if use})


def rcpt(message: Message, recipient: str, offer: Offer) -> Rcpt:
    """The RCPT command for one recipient."""
    if "DSN" in offer and message.notify:
        return Rcpt(recipient, {"NOTIFY": message.notify})
    return Rcpt(recipient)


def batches(message: Message, places: list[int], limits: Limits) -> Iterator[list[int]]:
    """Recipients for one transaction each, within the limits of the server (RFC 9422).

    places: the indices of those that are left to be sent.
    """
    batch: list[int] = []
    domains: set[str] = set()
    for place in places:
        domain = domain_of(message.recipients[place])
        full = 0 < limits.recipients <= len(batch)
        wide = 0 < limits.domains <= len(domains) and domain not in domains
        if batch and (full or wide):
            yield batch
            batch, domains = [], set()
        batch.append(place)
        domains.add(domain)
    if batch:
        yield batch
