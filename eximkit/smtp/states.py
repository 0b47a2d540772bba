"""Where an SMTP dialogue stands and what may come next: the one table of it.

Everything that decides which command is in order lives here, for both sides. This file
does not know which role we play: a server moves when it answers a command, a client
when it reads the answer, and both by the same row.

Theory: a dialogue is a list of *steps*. Most are commands; the banner, the end of a
message's content, a line of an AUTH exchange and a TLS handshake are steps as well,
because each is answered too. TRANSITIONS gives, for a state and a step, which *kinds*
of answer are possible and the state that each leads to. A step that has no row in a
state is out of order: a server answers 503 and stays where it is, a client never sends
it. An answer whose kind has no entry breaks the protocol.

RFC 5321 4.1.4 and 4.3.2, RFC 3030 (BDAT), RFC 3207 (STARTTLS), RFC 4954 (AUTH).
"""

from __future__ import annotations

from enum import Enum


class _Word(Enum):
    """Members are the only ones of their kind, and are looked up with every command."""

    __hash__ = object.__hash__


class State(_Word):
    """What both sides have agreed on so far."""

    CONNECTED = "no banner yet"
    TURNED_AWAY = "the banner refused"
    GREETED = "no hello yet"
    READY = "no mail transaction"
    MAIL = "a sender, no recipient"
    RCPT = "a recipient at least"
    CONTENT = "content up to CRLF.CRLF"
    CHUNKS = "chunks, the last not yet"
    BROKEN = "a chunk was refused"
    VERDICTS = "an answer for each recipient"
    AUTHENTICATING = "within AUTH"
    SECURING = "a TLS handshake must follow"
    CLOSED = "over"


class Step(_Word):
    """Something that is answered: a command, or one of the steps that are none."""

    BANNER = "the connection"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    SECURED = "the TLS handshake"
    AUTH = "AUTH"
    RESPONSE = "a line of AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "the end of the content"
    BDAT = "BDAT"
    BDAT_LAST = "BDAT LAST"
    VERDICT = "one recipient"
    FINAL = "the message"
    RSET = "RSET"
    NOOP = "NOOP"
    VRFY = "VRFY"
    HELP = "HELP"
    QUIT = "QUIT"


class Kind(_Word):
    """What an answer says: the first digit of its code, as far as it matters here."""

    DONE = 2
    MORE = 3
    REFUSED = 4


CLOSING = 421
"""The server is going away: may be the answer to anything, or to nothing."""

_D, _M, _R = Kind.DONE, Kind.MORE, Kind.REFUSED
Row = dict[Kind, State]


def _stay(state: State) -> Row:
    return {_D: state, _R: state}


def _idle(state: State) -> dict[Step, Row]:
    """Commands that are in order at any time between a banner and QUIT."""
    return {
        Step.NOOP: _stay(state),
        Step.VRFY: _stay(state),
        Step.HELP: _stay(state),
        Step.QUIT: {_D: State.CLOSED, _R: State.CLOSED},
    }


def _hello(state: State) -> dict[Step, Row]:
    """EHLO and HELO end a transaction as RSET does, once they are accepted."""
    row = {_D: State.READY, _R: state}
    return {Step.EHLO: row, Step.HELO: row}


def _transaction(state: State) -> dict[Step, Row]:
    """What is in order wherever a transaction is under way."""
    return {
        **_idle(state),
        **_hello(state),
        Step.RSET: {_D: State.READY, _R: state},
    }


_VERDICT_ROW: Row = {_D: State.READY, _M: State.VERDICTS, _R: State.READY}
_CHUNK: dict[Step, Row] = {
    Step.BDAT: {_D: State.CHUNKS, _R: State.BROKEN},
    Step.BDAT_LAST: _VERDICT_ROW,
}
_EXCHANGE: Row = {_D: State.READY, _M: State.AUTHENTICATING, _R: State.READY}

TRANSITIONS: dict[State, dict[Step, Row]] = {
    State.CONNECTED: {
        Step.BANNER: {_D: State.GREETED, _R: State.TURNED_AWAY},
    },
    State.TURNED_AWAY: {
        Step.QUIT: {_D: State.CLOSED, _R: State.CLOSED},
    },
    State.GREETED: {
        **_idle(State.GREETED),
        **_hello(State.GREETED),
        Step.RSET: _stay(State.GREETED),
    },
    State.READY: {
        **_transaction(State.READY),
        Step.STARTTLS: {_D: State.SECURING, _R: State.READY},
        Step.AUTH: _EXCHANGE,
        Step.MAIL: {_D: State.MAIL, _R: State.READY},
    },
    State.MAIL: {
        **_transaction(State.MAIL),
        Step.RCPT: {_D: State.RCPT, _R: State.MAIL},
    },
    State.RCPT: {
        **_transaction(State.RCPT),
        Step.RCPT: _stay(State.RCPT),
        Step.DATA: {_M: State.CONTENT, _R: State.RCPT},
        **_CHUNK,
    },
    State.CONTENT: {
        # 353 instead of a verdict announces one for each recipient (PRDR).
        Step.CONTENT: _VERDICT_ROW,
    },
    State.CHUNKS: {
        **_transaction(State.CHUNKS),
        **_CHUNK,
    },
    State.BROKEN: {
        # RFC 3030 2: after a refused chunk, RSET and nothing else mends it.
        **_transaction(State.BROKEN),
    },
    State.VERDICTS: {
        Step.VERDICT: _stay(State.VERDICTS),
        Step.FINAL: _stay(State.READY),
    },
    State.AUTHENTICATING: {
        Step.RESPONSE: _EXCHANGE,
    },
    State.SECURING: {
        # Not an answer in octets: the handshake worked, or it did not. After it both
        # sides know nothing of each other (RFC 3207 4.2), as behind a banner.
        Step.SECURED: {_D: State.GREETED, _R: State.CLOSED},
    },
    State.CLOSED: {},
}

GROUP_LAST = frozenset({
    Step.EHLO, Step.HELO, Step.STARTTLS, Step.AUTH, Step.RESPONSE, Step.DATA,
    Step.NOOP, Step.VRFY, Step.HELP, Step.QUIT,
})  # fmt: skip
"""Steps behind which a client waits, with PIPELINING too (RFC 2920 3.1, 3207, 4954)."""

NO_MAIL = frozenset({
    Step.HELO, Step.EHLO, Step.NOOP, Step.RSET, Step.VRFY, Step.HELP, Step.AUTH,
    Step.STARTTLS,
})  # fmt: skip
"""Steps that bring no mail nearer; a server takes so many of them and no more."""

_KINDS = {2: Kind.DONE, 3: Kind.MORE, 4: Kind.REFUSED, 5: Kind.REFUSED}
_OPTIMISTIC: dict[Step, Kind] = {Step.DATA: Kind.MORE, Step.RESPONSE: Kind.DONE}


def kind(code: int) -> Kind:
    """What an answer with this code says. code: 200 to 599."""
    return _KINDS[code // 100]


def in_order(state: State, step: Step) -> bool:
    """Whether this step may be next."""
    return step in TRANSITIONS[state]


def after(state: State, step: Step, code: int) -> State | None:
    """The state that an answer leads to; None for an answer that cannot be.

    A step that is out of order may be refused, which changes nothing.
    """
    if code == CLOSING:
        return State.CLOSED
    row = TRANSITIONS[state].get(step)
    said = _KINDS[code // 100]
    if row is None:
        return state if said is Kind.REFUSED else None
    return row.get(said)


def hoped(state: State, step: Step) -> State:
    """The state that a client goes by until it has read the answer: that of success."""
    return TRANSITIONS[state][step][_OPTIMISTIC.get(step, Kind.DONE)]
