"""Messages over one connection, from the first octet to QUIT, early if it may be.

    sender = Sender(route, messages, decision, memory)
    write(sender.output())                 # may be before there is a connection
    while not sender.finished:
        sender.feed(octets_read)           # or sender.lost("...") at its end
        write(sender.output())
        if sender.handshaking: ...         # the TLS handshake, then sender.secured()

What early mode got wrong is never held against a message: then `redial` says why the
same is to be done again, once, without early mode (`delivery.py`). There is no redial
once a message has left whole and nothing was said against it: it might be delivered
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.errors import RemoteProtocolError
from eximkit.smtp.commands import Data, Helo
from eximkit.smtp.early import borrowed
from eximkit.smtp.ehlo import Offer
from eximkit.smtp.message import Fate, Outcome, fate_of
from eximkit.smtp.sending import Sending, Stage
from eximkit.smtp.states import CLOSING, Kind, Step

if TYPE_CHECKING:
    from eximkit.smtp.events import Replied
    from eximkit.smtp.replies import Reply
    from eximkit.smtp.transaction import Transaction


class Sender(Sending):
    """One connection for some messages.

    done: recipients that need nothing any more, as index of the message and of the
    recipient in it. outcomes: what has been decided, by the same. finished: close the
    connection. redial: why it is to be done again without early mode, "" if not.
    half_close: what `output` has given ends with QUIT, and nothing will follow.
    """

    def feed(self, octets: bytes) -> list[Replied]:
        """Octets as read. Gives the replies among them, for who keeps a transcript."""
        seen = []
        try:
            for event in self.client.feed(octets):
                seen.append(event)
                self._replied(event)
                self._go()
                if self.finished:
                    break
        except RemoteProtocolError as error:
            self.lost(error.message)
        return seen

    def secured(self) -> None:
        """The TLS handshake of STARTTLS is done."""
        self.handshaking = False
        self.secure = True
        self._remembered = self.decision.crypted if self.used_early else None
        self._real = None
        self.client.secured(self._remembered)
        self._stage = Stage.HELLO
        self._go()

    def unreached(self, why: str) -> None:
        """There is no connection, and nothing of `output` has left.

        Early mode has no part in that: there is no redial, and the memory stays.
        """
        if not self.finished:
            self._end(Outcome("", Fate.DEFERRED, why))

    def lost(self, why: str, unsent: int = 0) -> None:
        """The connection is of no more use: closed, timed out, or out of step.

        Once QUIT is sent and all is decided, that is how a connection may end. unsent:
        how many octets at the end of what `output` gave have never left this side.
        """
        if self.finished:
            return
        transaction = self._transaction
        whole = self._left_whole(unsent)
        # No server takes a message behind a banner or an envelope that it refused.
        refused = transaction is not None and transaction.hopeless
        if self._trusting:
            self.memory.failed()
        if (self._trusting or self._condemned) and (
            not whole or self._turned_away or refused
        ):
            self._again(self._condemned or why)
        else:
            self._end(Outcome("", Fate.DEFERRED, why, in_doubt=whole))

    def stop(self, why: str, unsent: int = 0) -> None:
        """Whoever drives this wants no more of it. Nothing is held against anybody.

        unsent: as for `lost`. There is no redial, and the memory stays.
        """
        if not self.finished:
            whole = self._left_whole(unsent)
            self._end(Outcome("", Fate.DEFERRED, why, in_doubt=whole))

    def _left_whole(self, unsent: int) -> bool:
        """Whether the message under way has left to its last octet."""
        transaction = self._transaction
        if transaction is None:
            return False
        if unsent > self._tail:
            # Without its last octet no message is one.
            transaction.sent_whole = False
        return transaction.sent_whole

    def _replied(self, event: Replied) -> None:
        step, answer = event.step, event.reply
        borrowing = self._borrowing > 0
        self._borrowing -= borrowing
        if event.unasked:
            self._end(Outcome("", Fate.DEFERRED, str(answer), answer))
        elif step in (Step.BANNER, Step.EHLO, Step.HELO):
            self._greeted(step, answer)
        elif step in (Step.STARTTLS, Step.AUTH, Step.RESPONSE):
            self._answered(event, borrowing)
        elif step is Step.QUIT:
            self._end(Outcome("", Fate.DEFERRED, str(answer), in_doubt=True))
        elif self._transaction is not None:
            self._transacted(self._transaction, event, borrowing)
        if answer.code == CLOSING and not self.finished:
            if self._condemned:
                self._again(self._condemned)
            else:
                self._end(Outcome("", Fate.DEFERRED, str(answer), answer))

    def _greeted(self, step: Step, answer: Reply) -> None:
        if step is Step.BANNER:
            self.banner = answer
        if answer.positive:
            if step is not Step.BANNER:
                self._real = self.offers[self.secure] = self.client.offer or Offer()
                self._borrowing = len(self.client.outstanding)
                self.memory.hello(self._real, self.secure)
        elif self._trusting:
            # It says that we talked early, or something that we could not have heard
            # before we did. Either way nothing about the message.
            self.memory.failed()
            self._turned_away |= step is Step.BANNER
            self._condemned = self._condemned or str(answer)
            if not self._sent_whole:
                self._again(self._condemned)
        elif step is Step.EHLO and answer.permanent:
            self._greet(Helo(self.route.name))
        else:
            self._resolve(Outcome("", fate_of(answer), str(answer), answer))
            self._stage = Stage.QUIT

    def _answered(self, event: Replied, borrowing: bool) -> None:
        """A reply to STARTTLS or within AUTH."""
        step, answer = event.step, event.reply
        if self._condemned:
            return
        if step is Step.STARTTLS:
            self.handshaking = answer.positive
            if answer.refused and self.route.tls_required:
                self._give_up(f"TLS is required: {answer}", answer)
            elif answer.refused and not (
                answer.permanent or self.route.clear_after_tempfail
            ):
                self._give_up(f"TLS may come later: {answer}", answer)
            elif answer.refused:
                self._stage = Stage.AUTH
        elif answer.kind is Kind.MORE and self._exchange is not None:
            if not self.client.talked_to:
                self._out += self.client.respond(self._exchange.answer(answer.text))
        else:
            self._auth_tried = True
            self.authenticated = answer.positive
            if borrowing and answer.permanent and self._borrowed(event):
                self._again(str(answer))
            elif answer.refused and self.route.auth_required:
                self._give_up(f"AUTH is required: {answer}", answer)
            else:
                self._stage = Stage.MAIL

    def _borrowed(self, event: Replied) -> bool:
        remembered, real = self._remembered, self._real
        if remembered is None or real is None:
            return False
        return borrowed(event.step, event.command, remembered, real)

    def _transacted(
        self, transaction: Transaction, event: Replied, borrowing: bool
    ) -> None:
        step, answer = event.step, event.reply
        # What follows from a refusal that stands is not doubted for itself.
        doubted = answer.permanent and (
            bool(self._condemned)
            or (borrowing and not transaction.hopeless and self._borrowed(event))
        )
        transaction.replied(step, answer, doubted)
        if doubted:
            self._condemned = self._condemned or str(answer)
        if self._condemned:
            # A message that has left whole may have been taken all the same.
            final = transaction.final
            if not transaction.sent_whole or (final is not None and final.refused):
                self._again(self._condemned)
            elif final is not None:
                self._condemned = ""
                self._settle()
                if self._turned_away or self._real is None:
                    self._end(Outcome("", Fate.DEFERRED, "no service here"))
            return
        if isinstance(event.command, Data) and answer.kind is Kind.MORE:
            if self.client.talked_to:
                # More came than was asked for; what that is, `feed` says next.
                return
            if transaction.accepted:
                self._whole(self.client.content(transaction.message.content))
            else:
                self._out += self.client.nothing()
        self._settle()

    def _again(self, why: str) -> None:
        self.redial = why
        self._over()
