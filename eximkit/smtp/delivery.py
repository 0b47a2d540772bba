"""Messages to one host: one connection, and one more where early mode went wrong.

delivery = Delivery(route, wish, messages, record, now)
while True:
    drive(delivery.sender)             # a connection of its own, see `sender.py`
    if not delivery.redial():
        break
store(delivery.memory.record)          # if delivery.memory.dirty
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.smtp.early import Decision, Memory, Reason, decide
from eximkit.smtp.message import Fate, Outcome
from eximkit.smtp.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.smtp.early import Record, Wish
    from eximkit.smtp.message import Message
    from eximkit.smtp.route import Route


class Delivery:
    """Some messages on their way to one host.

    record: what is remembered of the host, None for nothing. now: seconds since 1970.
    sender: the connection to be driven. redialled: it is the second.
    """

    def __init__(
        self,
        route: Route,
        wish: Wish,
        messages: Sequence[Message],
        record: Record | None,
        now: int,
    ) -> None:
        self.messages = messages
        self.memory = Memory(wish, record, now)
        self.decision = decide(wish, record, now)
        self.redialled = False
        self.why_redialled = ""
        self._route = route
        self._outcomes: dict[tuple[int, int], Outcome] = {}
        self.sender = Sender(route, messages, self.decision, self.memory)

    def redial(self) -> bool:
        """Whether there is another connection to be driven: now `sender`.

        Once, and only behind early mode, so that a server that changes its mind
        costs a message two connections and never more.
        """
        ended = self.sender
        self._outcomes |= ended.outcomes
        if not ended.redial or self.redialled:
            return False
        self.redialled = True
        self.why_redialled = ended.redial
        # What it offers next is what it has just not kept to.
        self.memory.stop()
        self.sender = Sender(
            self._route.no_weaker(ended.secure, ended.clear_mechanism),
            self.messages,
            Decision(Reason.NOT_ASKED),
            self.memory,
            frozenset(self._outcomes),
        )
        return True

    def outcomes(self) -> list[list[Outcome]]:
        """For each message, what became of each of its recipients."""
        known = self._outcomes | self.sender.outcomes
        return [
            [
                known.get((index, place))
                or Outcome(recipient, Fate.DEFERRED, "not tried")
                for place, recipient in enumerate(message.recipients)
            ]
            for index, message in enumerate(self.messages)
        ]
