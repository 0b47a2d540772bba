"""What a client sends on one connection, and when it has to wait.

The stages of a connection: hello, TLS, AUTH, mail, QUIT. Each sends all that need not
wait; in early mode that is what was offered before, at most up to the first answer that
only the server can give.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from eximkit.smtp import commands
from eximkit.smtp.auth import ClientSide
from eximkit.smtp.client import Client
from eximkit.smtp.commands import Auth, Ehlo, Helo, Quit, StartTls
from eximkit.smtp.early import Tls
from eximkit.smtp.ehlo import Offer
from eximkit.smtp.message import Fate, Message, Outcome, batches
from eximkit.smtp.states import State, Step
from eximkit.smtp.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.smtp.commands import Command
    from eximkit.smtp.early import Decision, Memory
    from eximkit.smtp.replies import Reply
    from eximkit.smtp.route import Route

_OPEN = frozenset({State.MAIL, State.RCPT, State.CHUNKS, State.BROKEN})


class Stage(Enum):
    """What is to be done next on a connection."""

    HELLO = auto()
    TLS = auto()
    AUTH = auto()
    MAIL = auto()
    QUIT = auto()
    WAIT = auto()
    OVER = auto()


class Sending:
    """A connection for some messages: what is sent, and when.

    Driven by `Sender`, which reads what is said to it.
    """

    def __init__(
        self,
        route: Route,
        messages: Sequence[Message],
        decision: Decision,
        memory: Memory,
        done: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.route = route
        self.messages = messages
        self.decision = decision
        self.memory = memory
        self.secure = route.tls is Tls.ON_CONNECT
        self.outcomes: dict[tuple[int, int], Outcome] = {}
        self.redial = ""
        self.half_close = False
        self.handshaking = False
        self.authenticated = False
        self.banner: Reply | None = None
        self.offers: dict[bool, Offer] = {}
        """What the server has offered, without TLS (False) and with it (True)."""
        self.ended = ""
        """Why nothing more can be said, or is: mostly the reply to QUIT."""
        self.hello = ""
        """What was greeted with last, EHLO or HELO and the name."""
        self.used_chunking = False
        self.mechanism = ""
        """The AUTH mechanism that was used, if one was."""
        self.clear_mechanism = ""
        """The AUTH mechanism that was used without TLS, if one was."""
        self.used_early = False
        self.used_pipelining = False
        self._remembered = decision.crypted if self.secure else decision.clear
        self._real: Offer | None = None
        self.client = Client(self._remembered)
        self._borrowing = 0
        self._condemned = ""
        self._turned_away = False
        self._stage = Stage.HELLO
        self._exchange: ClientSide | None = None
        self._auth_tried = False
        self._transaction: Transaction | None = None
        self._queue = deque(
            (index, places)
            for index, message in enumerate(messages)
            if (places := self._left(index, message, done))
        )
        self._mails = 0
        self._out = bytearray()
        self._harmless: int | None = None
        self._lead = self._tail = self._parting = 0
        self._go()

    @staticmethod
    def _left(
        index: int, message: Message, done: frozenset[tuple[int, int]]
    ) -> list[int]:
        return [n for n in range(len(message.recipients)) if (index, n) not in done]

    @property
    def finished(self) -> bool:
        return self._stage is Stage.OVER

    @property
    def harmless(self) -> int:
        """How many of the octets that `output` will give end no message.

        Only those belong in a SYN, which may be replayed (RFC 7413 6.1).
        """
        return len(self._out) if self._harmless is None else self._harmless

    def for_syn(self, content: bool) -> int:
        """How many of the octets that `output` will give are for a SYN to carry.

        content: a message may be among them. QUIT is not: the FIN behind it cannot go
        along, and Exim keeps its replies back until it has both.
        """
        most = len(self._out) - self._parting
        return most if content else min(self.harmless, most)

    def rename(self, name: str) -> None:
        """Greet with another name. Nothing of `output` may have been taken yet."""
        if self._out:
            # It was said early: only its first line is another one.
            old = commands.encode(Ehlo(self.route.name), self.route.as_is)
            new = commands.encode(Ehlo(name), self.route.as_is)
            self._out[: len(old)] = new
            if self._harmless is not None:
                self._harmless += len(new) - len(old)
            self.hello = f"{Step.EHLO.value} {name}"
        self.route = replace(self.route, name=name)

    def pieces(self) -> list[tuple[str, int]]:
        """What `output` will give: ("commands" or "content", octets), in order.

        A BDAT command is one of the commands. For who keeps a transcript.
        """
        whole = len(self._out)
        if self._harmless is None:
            return [("commands", whole)] if whole else []
        commands = self._harmless + self._lead
        parts = [
            ("commands", commands),
            ("content", whole - self._tail - commands),
            ("commands", self._tail),
        ]
        return [part for part in parts if part[1]]

    def output(self) -> bytes:
        """What is to be written now."""
        octets = bytes(self._out)
        self._out.clear()
        self._harmless = None
        self._parting = 0
        return octets

    @property
    def _sent_whole(self) -> bool:
        return self._transaction is not None and self._transaction.sent_whole

    @property
    def _trusting(self) -> bool:
        """Early, and the real response to EHLO is not here yet."""
        return self._remembered is not None and self._real is None

    @property
    def _offer(self) -> Offer | None:
        return self._remembered if self._real is None else self._real

    @property
    def _pipelines(self) -> bool:
        offer = self._offer
        return self.route.pipelining and offer is not None and offer.pipelining

    def _may_send(self, step: Step) -> bool:
        ahead = bool(self.client.outstanding)
        early = self._trusting and step is Step.EHLO
        if ahead and not early and not self.route.pipelining:
            return False
        if not self.client.may_send(step):
            return False
        self.used_early |= ahead and self._trusting
        self.used_pipelining |= ahead and step is not Step.EHLO
        return True

    def _send(self, command: Command) -> bool:
        """Send a command, unless it has to wait."""
        if not self._may_send(command.step):
            return False
        self._out += self.client.send(command, self.route.as_is)
        return True

    def _greet(self, command: Ehlo | Helo) -> bool:
        if not self._send(command):
            return False
        self.hello = f"{command.step.value} {command.name}"
        return True

    def _go(self) -> None:
        """Send all that need not wait."""
        while not self._condemned and _STAGES[self._stage](self):
            pass

    def _wait(self) -> bool:
        return False

    def _hello(self) -> bool:
        name = self.route.name
        if self._greet(Ehlo(name) if self.route.extended else Helo(name)):
            self._stage = Stage.TLS
            return True
        return False

    def _tls(self) -> bool:
        offer = self._offer
        if offer is None:
            return False
        if self.route.tls is Tls.STARTTLS and not self.secure:
            if "STARTTLS" in offer:
                if self._send(StartTls()):
                    self._stage = Stage.WAIT
                return False
            if self.route.tls_required:
                return self._give_up("TLS is required and not offered")
        self._stage = Stage.AUTH
        return True

    def _auth(self) -> bool:
        account, offer = self.route.account, self._offer
        if account is None or self._auth_tried or offer is None:
            self._stage = Stage.MAIL
            return True
        mechanism = self.route.mechanism(offer, self.secure, self._trusting)
        if not mechanism:
            if self._trusting:
                # Only the server can say what it takes now.
                return False
            if self.route.auth_required:
                return self._give_up("AUTH is required and no mechanism fits")
            self._stage = Stage.MAIL
            return True
        exchange = ClientSide(mechanism, account)
        if self._send(Auth(mechanism, exchange.initial)):
            self._exchange = exchange
            self._stage = Stage.WAIT
            self.mechanism = mechanism
            if not self.secure:
                self.clear_mechanism = mechanism
        return False

    def _mail(self) -> bool:
        if self._transaction is None and not self._begin():
            return self._stage is not Stage.MAIL
        transaction = self._transaction
        while transaction is not None and transaction.todo:
            item = transaction.todo[0]
            if transaction.hopeless:
                transaction.todo.clear()
                self._settle()
                return True
            if isinstance(item, Message):
                if not self._may_send(Step.BDAT_LAST):
                    return False
                chunk = self.client.chunk(item.content, last=True)
                self.used_chunking = True
                self._whole(chunk, len(chunk) - len(item.content))
            elif not self._send(item):
                return False
            if transaction.todo:
                transaction.todo.popleft()
        return False

    def _begin(self) -> bool:
        """Begin the next transaction, if there is one and it need not wait."""
        offer = self._offer or Offer()
        if self.client.talked_to or (self.client.outstanding and not self._trusting):
            return False
        if self._trusting and not self._pipelines:
            return False
        while self._queue:
            index, places = self._queue[0]
            message = self.messages[index]
            if message.needs_utf8 and "SMTPUTF8" not in offer:
                if self._trusting:
                    return False
                self._queue.popleft()
                self._settle_all(index, places, Fate.REJECTED, "no SMTPUTF8 here")
                continue
            if 0 < offer.limits.mails <= self._mails:
                self._give_up("the server takes no more messages on one connection")
                return False
            self._queue.popleft()
            now, *later = batches(message, places, self.route.limits(offer.limits))
            if later:
                self._queue.appendleft((index, [n for batch in later for n in batch]))
            self._mails += 1
            chunked = self.route.chunking and "CHUNKING" in offer
            self._transaction = Transaction(
                index, message, now, offer, chunked, self.route.prdr,
                self.client.state in _OPEN,
            )  # fmt: skip
            return True
        self._stage = Stage.QUIT
        return False

    def _whole(self, octets: bytes, lead: int = 0) -> None:
        """Send the end of a message, and QUIT behind it if that was all.

        lead: octets at the beginning that are a command.
        """
        transaction = self._transaction
        if transaction is not None:
            transaction.todo.clear()
            transaction.sent_whole = True
        if self._harmless is None:
            self._harmless = len(self._out)
        self._out += octets
        end = len(self._out)
        if not self._queue and self._pipelines:
            self._stage = Stage.QUIT
            self._quit()
        self._lead, self._tail = lead, len(self._out) - end

    def _quit(self) -> bool:
        begin = len(self._out)
        if self._send(Quit()):
            self._parting = len(self._out) - begin
            self.half_close = True
            self._stage = Stage.WAIT
        return False

    def _settle(self) -> None:
        """Note what the transaction has come to, once nothing of it is outstanding."""
        transaction = self._transaction
        if transaction is None or transaction.todo:
            return
        if transaction.final is None and (
            not transaction.hopeless or self.client.outstanding
        ):
            return
        self._transaction = None
        self.outcomes |= transaction.outcomes(Outcome("", Fate.DEFERRED, "no reply"))

    def _settle_all(self, index: int, places: list[int], fate: Fate, why: str) -> None:
        recipients = self.messages[index].recipients
        for place in places:
            self.outcomes[index, place] = Outcome(recipients[place], fate, why)

    def _resolve(self, otherwise: Outcome) -> None:
        """Decide all that is not decided yet."""
        if self._transaction is not None:
            self.outcomes |= self._transaction.outcomes(otherwise)
            self._transaction = None
        for index, places in self._queue:
            self._settle_all(index, places, otherwise.fate, otherwise.reason)
        self._queue.clear()

    def _give_up(self, why: str, answer: Reply | None = None) -> bool:
        self._resolve(Outcome("", Fate.DEFERRED, why, answer))
        self._stage = Stage.QUIT
        return True

    def _end(self, otherwise: Outcome) -> None:
        self.ended = otherwise.reason
        self._resolve(otherwise)
        self._over()

    def _over(self) -> None:
        self.handshaking = False
        self._out.clear()
        self._stage = Stage.OVER


_STAGES = {
    Stage.HELLO: Sending._hello,  # noqa: SLF001 - its own
    Stage.TLS: Sending._tls,  # noqa: SLF001
    Stage.AUTH: Sending._auth,  # noqa: SLF001
    Stage.MAIL: Sending._mail,  # noqa: SLF001
    Stage.QUIT: Sending._quit,  # noqa: SLF001
    Stage.WAIT: Sending._wait,  # noqa: SLF001
    Stage.OVER: Sending._wait,  # noqa: SLF001
}
