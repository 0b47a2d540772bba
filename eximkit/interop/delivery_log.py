"""What became of messages, as lines of a client's main log."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from eximkit.interop.log_fields import Peer, Tls, outbound_form
from eximkit.smtp.message import Fate
from eximkit.smtp.states import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.interop.courier import Attempt, Delivered
    from eximkit.interop.mainlog import MainLog
    from eximkit.smtp.message import Message, Outcome

LOST, AFTER_MAIL, AFTER_RCPT, AFTER_DATA, NO_TLS = -18, -45, -44, -46, -37
"""Exim's own error numbers in a deferral."""
INTERRUPTED = "interrupted"
"""The reason of a delivery that its user did not let come to its end."""
_NUMBERS = {
    Step.MAIL: AFTER_MAIL, Step.RCPT: AFTER_RCPT, Step.FINAL: AFTER_DATA,
}  # fmt: skip
_AFTER = {
    Step.MAIL: "MAIL FROM:<{sender}>",
    Step.RCPT: "RCPT TO:<{recipient}>",
    Step.FINAL: "end of data",
}

_DOUBT = "the message had left: it may have been delivered"


class DeliveryLog:
    """Writes what a courier did. router, transport: the names that lines have.

    user: who the messages are of.
    """

    def __init__(
        self,
        log: MainLog,
        router: str = "interop",
        transport: str = "remote_smtp",
        user: str = "",
    ) -> None:
        self._log = log
        self._user = user
        self._router = router
        self._transport = transport

    def arrivals(self, ids: Sequence[str], messages: Sequence[Message]) -> None:
        """The messages are there. ids: one for each."""
        for message_id, message in zip(ids, messages, strict=True):
            self._log.arrival(
                message_id, message.sender, None,
                size=len(message.content), protocol="local",
                recipients=message.recipients, user=self._user,
            )  # fmt: skip

    def deliveries(self, ids: Sequence[str], delivered: Delivered) -> None:
        """What became of them."""
        for number, message_id in enumerate(ids):
            self._message(number, message_id, delivered)

    def put_off(
        self, ids: Sequence[str], messages: Sequence[Message], reason: str
    ) -> None:
        """They were not tried: what stood against it is on this side."""
        for message_id, message in zip(ids, messages, strict=True):
            for recipient in message.recipients:
                self._log.deferral(
                    message_id, recipient, reason,
                    router=self._router, transport=self._transport,
                )  # fmt: skip

    def _message(self, place: int, message_id: str, delivered: Delivered) -> None:
        message = delivered.messages[place]
        outcomes = delivered.outcomes[place]
        further = False
        for outcome in outcomes:
            if outcome.fate is Fate.DELIVERED:
                self._accepted(message_id, message, outcome, delivered, place, further)
                further = True
            elif outcome.fate is Fate.REJECTED:
                self._log.failure(
                    message_id, outcome.recipient, _told(message, outcome),
                    peer=_peer(delivered), tls=_tls(delivered.last),
                    router=self._router, transport=self._transport,
                )  # fmt: skip
            else:
                number = _error(outcome, delivered.last)
                # The name of an errno is added, and says it already.
                reason = "" if number > 0 else _told(message, outcome)
                if outcome.in_doubt:
                    reason = f"{reason}; {_DOUBT}" if reason else _DOUBT
                self._log.deferral(
                    message_id, outcome.recipient, reason,
                    peer=_peer(delivered), number=number,
                    router=self._router, transport=self._transport,
                )  # fmt: skip
        if all(outcome.fate is not Fate.DEFERRED for outcome in outcomes):
            self._log.completed(message_id)

    def _accepted(
        self, message_id: str, message: Message, outcome: Outcome,
        delivered: Delivered, number: int, further: bool,
    ) -> None:  # fmt: skip
        last = delivered.last
        first = number == 0
        early = last.early and last.offered_early and first
        self._log.delivery(
            message_id, outcome.recipient, _peer(delivered),
            sender=message.sender, further=further, continued=not first,
            form=outbound_form(last.used_pipelining or early, early),
            tls=_tls(last), tfo="TFO*" if last.syn_data else "",
            authenticated=last.mechanism.lower(), chunked=last.chunked,
            confirmation=_confirmation(outcome), delivery_time=delivered.seconds,
            router=self._router, transport=self._transport,
        )  # fmt: skip


def _peer(delivered: Delivered) -> Peer:
    target = delivered.target
    address, port = delivered.last.local
    return Peer(
        target.address, target.port, target.name or target.address,
        local=address, local_port=port,
    )  # fmt: skip


def _tls(attempt: Attempt) -> Tls | None:
    used = attempt.tls
    if used is None:
        return None
    verified = "yes" if used.verified else "no"
    return Tls(used.version, used.cipher, used.bits, used.resumed, verified)


def _confirmation(outcome: Outcome) -> str:
    answer = outcome.reply
    if answer is None:
        return ""
    *before, last = answer.lines
    lines = [f"{answer.code}-{line}" for line in before] + [f"{answer.code} {last}"]
    return "\n".join(lines)


def _told(message: Message, outcome: Outcome) -> str:
    """The reason, in the words that Exim puts before what a server said."""
    if outcome.reply is None:
        return outcome.reason
    after = _AFTER[outcome.step] if outcome.step is not None else "initial connection"
    names = {"sender": message.sender, "recipient": outcome.recipient}
    place = after.format(**names) if outcome.step is not None else after
    return f"SMTP error from remote mail server after {place}: {outcome.reason}"


def _error(outcome: Outcome, attempt: Attempt) -> int:
    if outcome.step is not None:
        return _NUMBERS[outcome.step]
    if outcome.reason.startswith("TLS"):
        return NO_TLS
    if outcome.reason == INTERRUPTED:
        return errno.EINTR
    if attempt.errno:
        return attempt.errno
    return LOST if attempt.waits else errno.ETIMEDOUT
