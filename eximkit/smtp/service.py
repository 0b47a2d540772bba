"""What a server offers, and how much of anything it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from eximkit.smtp import ehlo
from eximkit.smtp.auth import CLEAR
from eximkit.smtp.ehlo import NO_LIMITS, Limits, Offer, limit_words
from eximkit.smtp.replies import Reply, reply

_MOST_GREETED = 256
"""Clients whose response to EHLO is kept: a host says the same name each time."""


@dataclass(frozen=True, slots=True)
class Service:
    """The settings of a server towards one client.

    early: the keyword of early pipelining that is offered, "" for none; none either
    without pipelining. size: the most octets of a message, 0 for any. mechanisms: of
    AUTH. clear_passwords: whether PLAIN and LOGIN are offered without TLS. most_*: how
    many of each; idle commands are those that bring no message nearer, counted from one
    message to the next. bare_ends: whether a CR or LF may stand alone in a message; it
    is kept as it is, or the message is refused. tls_mechanisms: those of `mechanisms`
    that are offered with TLS only, whatever they show. banner: its lines, in place of
    the name and the greeting. in_step: input that comes too soon ends the connection.
    """

    name: str = "localhost"
    greeting: str = "ESMTP eximkit"
    early: str = "PIPECONNECT"
    pipelining: bool = True
    chunking: bool = True
    size: int = 50 * 1024 * 1024
    eight_bit: bool = True
    smtputf8: bool = True
    dsn: bool = False
    prdr: bool = True
    starttls: bool = False
    mechanisms: tuple[str, ...] = ()
    clear_passwords: bool = False
    tls_mechanisms: frozenset[str] = frozenset()
    limits: Limits = NO_LIMITS
    bare_ends: bool = True
    most_recipients: int = 1000
    most_messages: int = 1000
    most_idle: int = 10
    most_unknown: int = 3
    most_errors: int = 3
    banner: tuple[str, ...] = ()
    in_step: bool = True
    _offers: dict[bool, Offer] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _words: list[Reply] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    _greeted: dict[tuple[str, bool], Reply] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def takes_early(self) -> bool:
        """Whether input before the banner is welcome."""
        return bool(self.early) and self.pipelining

    @property
    def opening(self) -> tuple[str, ...]:
        """The lines of the banner."""
        return self.banner or (f"{self.name} {self.greeting}".rstrip(),)

    @property
    def welcome(self) -> Reply:
        """The banner."""
        return self._first_and_last()[0]

    @property
    def farewell(self) -> Reply:
        """The reply to QUIT."""
        return self._first_and_last()[1]

    def _first_and_last(self) -> list[Reply]:
        if not self._words:
            self._words.append(reply(220, *self.opening))
            self._words.append(reply(221, f"{self.name} closing connection"))
        return self._words

    def hello(self, client: str, secure: bool) -> Reply:
        """The response to EHLO. client: the name that it greeted with."""
        known = self._greeted.get((client, secure))
        if known is None:
            offer = self.offer(secure)
            known = ehlo.response(self.name, offer, f"Hello {client}")
            if len(self._greeted) >= _MOST_GREETED:
                self._greeted.clear()
            self._greeted[client, secure] = known
        return known

    def offered_mechanisms(self, secure: bool) -> tuple[str, ...]:
        """The AUTH mechanisms that may be used, with TLS or without."""
        if secure:
            return self.mechanisms
        hidden = self.tls_mechanisms | (frozenset() if self.clear_passwords else CLEAR)
        return tuple(name for name in self.mechanisms if name not in hidden)

    def offer(self, secure: bool) -> Offer:
        """The response to EHLO, in the order in which Exim has it."""
        made = self._offers.get(secure)
        if made is None:
            # Once for all clients: a service does not change.
            made = self._offers[secure] = self._offer(secure)
        return made

    def _offer(self, secure: bool) -> Offer:
        mechanisms = self.offered_mechanisms(secure)
        limits = limit_words(self.limits)
        table: tuple[tuple[bool, str, tuple[str, ...]], ...] = (
            (True, "SIZE", (str(self.size),) if self.size else ()),
            (limits != (), "LIMITS", limits),
            (self.eight_bit, "8BITMIME", ()),
            (self.dsn, "DSN", ()),
            (self.pipelining, "PIPELINING", ()),
            (self.takes_early, self.early, ()),
            (mechanisms != (), "AUTH", mechanisms),
            (self.chunking, "CHUNKING", ()),
            (self.starttls and not secure, "STARTTLS", ()),
            (self.prdr, "PRDR", ()),
            (self.smtputf8, "SMTPUTF8", ()),
        )
        return Offer({keyword: words for there, keyword, words in table if there})
