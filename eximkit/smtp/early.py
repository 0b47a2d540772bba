"""Early pipelining: when to talk before the banner, and what is remembered for it.

draft-harris-early-pipe; Exim specification, options hosts_pipe_connect and
pipelining_connect_advertise_hosts. A client that has seen a server offer it once may
send EHLO, and behind it STARTTLS, AUTH, or a group of commands, without waiting for the
banner. It goes by what it remembers of the server, and so may be wrong; what was wrong
about the memory must never be held against a message (`borrowed`).

Everything here is a function of its arguments, the time among them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from eximkit.smtp import parameters
from eximkit.smtp.commands import Mail
from eximkit.smtp.ehlo import Offer
from eximkit.smtp.states import Step

WEEK = 7 * 24 * 3600
"""Seconds that a record lives: the default of Exim's retry_data_expire."""
MOST_TEXT = 16384
"""Octets of a record as text. An honest one has some hundred."""


class Tls(Enum):
    """When a connection turns to TLS."""

    NONE = "none"
    STARTTLS = "starttls"
    ON_CONNECT = "on-connect"


@dataclass(frozen=True, slots=True)
class Key:
    """What a response to EHLO hangs on: all that may make the same host offer less.

    helo, interface, sni: as configured, not as expanded, "" where not set; an expanded
    name may differ between a first and an early contact with one server.
    """

    address: str
    port: int
    helo: str
    interface: str = ""
    tls: Tls = Tls.NONE
    sni: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a server. stamp: when it was seen, seconds since 1970.

    clear, crypted: what it offered without and with TLS, never one for the other; None
    where that has not been seen.
    """

    stamp: int
    clear: Offer | None = None
    crypted: Offer | None = None


class Reason(Enum):
    """Why a connection is early, or is not."""

    EARLY = "the server offered it before"
    NOT_ASKED = "not asked for"
    NO_PIPELINING = "pipelining is to be avoided"
    HELO = "the name to greet with is not known before the connection"
    UNKNOWN = "nothing is known of the server"
    FUTURE = "the record is from the future"
    EXPIRED = "the record is too old"
    NOT_OFFERED = "the server did not offer it"
    NO_TLS = "TLS is required and was not offered"


STALE = frozenset({Reason.FUTURE, Reason.EXPIRED})


@dataclass(frozen=True, slots=True)
class Wish:
    """What the configuration says about one host.

    early: it matches hosts_pipe_connect. pipelining: it does not match
    hosts_avoid_pipelining, which wins. helo: the name is known before the connection.
    expire: seconds that a record counts (retry_data_expire).
    """

    early: bool = True
    pipelining: bool = True
    helo: bool = True
    tls: Tls = Tls.NONE
    tls_required: bool = False
    expire: int = WEEK


@dataclass(frozen=True, slots=True)
class Decision:
    """How to begin. clear, crypted: by which offer to talk early; None to wait."""

    reason: Reason
    clear: Offer | None = None
    crypted: Offer | None = None

    @property
    def early(self) -> bool:
        return self.reason is Reason.EARLY


def decide(wish: Wish, record: Record | None, now: int) -> Decision:
    """Whether to talk before the banner. now: seconds since 1970."""
    if not wish.early:
        return Decision(Reason.NOT_ASKED)
    if not wish.pipelining:
        return Decision(Reason.NO_PIPELINING)
    if not wish.helo:
        return Decision(Reason.HELO)
    if record is None:
        return Decision(Reason.UNKNOWN)
    if record.stamp > now:
        return Decision(Reason.FUTURE)
    if record.stamp + wish.expire < now:
        return Decision(Reason.EXPIRED)
    on_connect = wish.tls is Tls.ON_CONNECT
    first = record.crypted if on_connect else record.clear
    if first is None or not first.early:
        return Decision(Reason.NOT_OFFERED)
    if wish.tls is Tls.STARTTLS and wish.tls_required and "STARTTLS" not in first:
        return Decision(Reason.NO_TLS)
    crypted = record.crypted
    return Decision(
        Reason.EARLY,
        None if on_connect else first,
        crypted if crypted is not None and crypted.early else None,
    )


class Cached(Enum):
    """What became of the record of a server."""

    HIT = "hit"
    MISS = "miss"
    REWRITTEN = "rewritten"
    CLEARED = "cleared"
    EXPIRED = "expired"


class Memory:
    """The record of a server while a connection to it shows what is true.

    record: as it is to be stored now, None for none. dirty: it is to be written or
    deleted, for it is not what was read.
    """

    __slots__ = ("_clear", "_learns", "_now", "_read", "_stale", "_tls", "record")

    def __init__(self, wish: Wish, record: Record | None, now: int) -> None:
        self._stale = decide(wish, record, now).reason in STALE
        self._learns = wish.early
        self._tls = wish.tls
        self._now = now
        self._clear: Offer | None = None
        self._read = record
        self.record = None if self._stale else record

    @property
    def dirty(self) -> bool:
        return self.record != self._read

    @property
    def cached(self) -> Cached:
        """What has become of the record."""
        if self._stale:
            return Cached.EXPIRED
        if self._read is None:
            return Cached.MISS
        if self.record is None:
            return Cached.CLEARED
        return Cached.REWRITTEN if self.dirty else Cached.HIT

    def stop(self) -> None:
        """Learn nothing more: the server offers what it does not keep."""
        self._learns = False

    def failed(self) -> None:
        """A banner or a hello went wrong in early mode: the record is no good."""
        self.record = None

    def hello(self, offer: Offer, secure: bool) -> None:
        """The response to EHLO; an empty offer for a server that takes HELO only."""
        if not self._learns:
            return
        kept = offer.kept()
        if not secure:
            self._clear = kept
        if secure and self._tls is Tls.STARTTLS:
            self._second(kept)
        else:
            self._first(kept, secure)

    def _first(self, kept: Offer, secure: bool) -> None:
        """The first EHLO of a connection, which may be under TLS from the start."""
        old = self.record
        if old is None and not (kept.early and kept.pipelining):
            return
        if not kept.early:
            self.record = None
        elif secure and (old is None or old.crypted != kept):
            self.record = Record(self._now, crypted=kept)
        elif not secure and (old is None or old.clear != kept):
            crypted = old.crypted if old is not None else None
            self.record = Record(self._now, kept, crypted)

    def _second(self, kept: Offer) -> None:
        """EHLO under TLS, behind STARTTLS."""
        clear = self._clear
        if not kept.early and not (clear is not None and clear.early):
            self.record = None
        elif kept.pipelining or self.record is not None:
            old = self.record
            if old is None or (old.clear, old.crypted) != (clear, kept):
                self.record = Record(self._now, clear, kept)


def borrowed(step: Step, command: object, remembered: Offer, real: Offer) -> bool:
    """Whether a command was sent by right of a memory that has proved wrong.

    remembered: the offer it was sent by. real: the response to EHLO, read after it was
    sent. What a server says against such a command says nothing about the message.
    """
    if not real.early or (remembered.pipelining and not real.pipelining):
        return True
    if step in (Step.BDAT, Step.BDAT_LAST):
        return "CHUNKING" not in real
    if step is Step.AUTH:
        mechanism = getattr(command, "mechanism", "")
        return mechanism not in real.mechanisms
    if isinstance(command, Mail):
        return bool(parameters.not_offered(command.parameters, step, real.keywords))
    if step is Step.RCPT:
        given: parameters.Parameters = getattr(command, "parameters", {})
        return bool(parameters.not_offered(given, step, real.keywords))
    return False


def as_text(record: Record) -> str:
    """A record as JSON, for whoever stores it."""
    phases = {"clear": record.clear, "crypted": record.crypted}
    return json.dumps(
        {
            "stamp": record.stamp,
            **{
                name: {
                    keyword: list(words) for keyword, words in offer.keywords.items()
                }
                for name, offer in phases.items()
                if offer is not None
            },
        },
        separators=(",", ":"),
    )


def from_text(text: str) -> Record | None:
    """The record that a text holds; None for any text that `as_text` does not make."""
    if len(text) > MOST_TEXT:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.keys() - {"stamp", "clear", "crypted"}:
        return None
    stamp = value.get("stamp")
    if type(stamp) is not int or stamp < 0:
        return None
    try:
        clear, crypted = (_offer(value.get(name)) for name in ("clear", "crypted"))
    except ValueError:
        return None
    return Record(stamp, clear, crypted)


def _offer(value: object) -> Offer | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - the text is wrong, not a type
    keywords = {}
    for keyword, words in value.items():
        if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
            raise ValueError
        keywords[keyword] = tuple(words)
    offer = Offer(keywords)
    if offer != offer.kept():
        raise ValueError
    return offer
