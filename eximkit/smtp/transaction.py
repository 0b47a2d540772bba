"""One mail transaction as a client goes through it, and what it means for whom."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit.smtp import message
from eximkit.smtp.commands import Data, Rset
from eximkit.smtp.message import Fate, Message, Outcome, fate_of
from eximkit.smtp.states import Step

if TYPE_CHECKING:
    from eximkit.smtp.commands import Command
    from eximkit.smtp.ehlo import Offer
    from eximkit.smtp.replies import Reply


class Transaction:
    """A message to some of its recipients.

    index: of the message. places: indices of the recipients. todo: what is still to be
    sent; the message itself is in it as a `Message` where it goes as a chunk.
    """

    __slots__ = (
        "_doubted", "_mail",
        "_rcpt",
        "_verdicts",
        "final",
        "index",
        "message",
        "places",
        "sent_whole",
        "todo",
    )  # fmt: skip

    def __init__(
        self,
        index: int,
        of: Message,
        places: list[int],
        offer: Offer,
        chunked: bool,
        prdr: bool,
        reset: bool,
    ) -> None:
        self.index = index
        self.message = of
        self.places = places
        self.sent_whole = False
        """The end of the message has left this side."""
        self._mail: Reply | None = None
        self._rcpt: list[Reply] = []
        self._doubted: list[Reply] = []
        self._verdicts: list[Reply] = []
        self.final: Reply | None = None
        """The reply to the message, or the one that kept it from being sent."""
        self.todo: deque[Command | Message] = deque([Rset()] if reset else [])
        self.todo.append(message.mail(of, offer, prdr))
        self.todo += [message.rcpt(of, of.recipients[at], offer) for at in places]
        self.todo.append(of if chunked else Data())

    @property
    def accepted(self) -> bool:
        """Whether somebody is to get the message, as far as is known."""
        hopeful = self._mail is None or self._mail.positive
        return hopeful and any(answer.positive for answer in self._rcpt)

    @property
    def hopeless(self) -> bool:
        """Nobody is to get the message, for certain."""
        if self._mail is not None and self._mail.refused:
            return True
        return len(self._rcpt) == len(self.places) and not self.accepted

    def replied(self, step: Step, answer: Reply, doubted: bool) -> None:
        """Note a reply that belongs to this transaction.

        doubted: it refuses, and may do so for having been talked to early.
        """
        if doubted:
            self._doubted.append(answer)
        match step:
            case Step.MAIL:
                self._mail = answer
            case Step.RCPT:
                self._rcpt.append(answer)
            case Step.VERDICT:
                self._verdicts.append(answer)
            case Step.DATA if not answer.refused:
                pass
            case Step.CONTENT | Step.BDAT_LAST if answer.code == 353:
                pass
            case Step.DATA | Step.CONTENT | Step.BDAT_LAST | Step.FINAL:
                self.final = answer

    def outcomes(self, otherwise: Outcome) -> dict[tuple[int, int], Outcome]:
        """What became of each recipient. otherwise: where no reply has said."""
        found = {}
        verdicts = iter(self._verdicts)
        for number, place in enumerate(self.places):
            answer = self._rcpt[number] if number < len(self._rcpt) else None
            refused = self._mail is not None and self._mail.refused
            deciding, step = answer, Step.RCPT
            if refused:
                deciding, step = self._mail, Step.MAIL
            if deciding is not None and deciding.positive:
                deciding, step = self.final, Step.FINAL
                verdict = next(verdicts, None)
                # RFC 5321 is about one reply; PRDR's last one may still refuse all.
                if verdict is not None and deciding is not None and deciding.positive:
                    deciding = verdict
            found[self.index, place] = self._outcome(place, deciding, step, otherwise)
        return found

    def _outcome(
        self, place: int, deciding: Reply | None, step: Step, otherwise: Outcome
    ) -> Outcome:
        recipient = self.message.recipients[place]
        if deciding is None:
            in_doubt = otherwise.in_doubt and self.sent_whole
            return replace(otherwise, recipient=recipient, in_doubt=in_doubt)
        fate = fate_of(deciding)
        if fate is Fate.REJECTED and any(deciding is each for each in self._doubted):
            # The next try, by the response to EHLO that has been read now, will tell.
            fate = Fate.DEFERRED
        return Outcome(recipient, fate, str(deciding), deciding, step=step)
