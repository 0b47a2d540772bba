"""AUTH: both sides of PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195).

LOGIN was never a standard: two prompts, the first of which is for the name. Where
passwords come from and whether they are right is the caller's business.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from hashlib import md5

from eximkit.errors import LocalProtocolError, RemoteProtocolError

CLEAR = frozenset({"PLAIN", "LOGIN"})
"""Mechanisms that show the password to whoever listens."""
CANCEL = "*"


@dataclass(frozen=True, slots=True)
class Account:
    """What a client shows of itself. identity: whom to act as, "" for oneself."""

    name: str
    password: str = field(repr=False)
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client has shown. `shows` says whether a password fits it."""

    mechanism: str
    name: str
    identity: str = ""
    _secret: bytes = field(default=b"", repr=False)
    _challenge: bytes = field(default=b"", repr=False)

    def shows(self, password: str) -> bool:
        """Whether the client knows this password; takes as long when it does not."""
        expected = password.encode()
        if self.mechanism == "CRAM-MD5":
            expected = hmac.digest(expected, self._challenge, md5).hex().encode()
        return hmac.compare_digest(self._secret, expected)

    def responses(self) -> tuple[bytes, ...]:
        """What a client has sent in a mechanism that shows passwords, in its order.

        For who judges them by rules of their own, as Exim does by $auth1, $auth2, ….
        Empty for other mechanisms.
        """
        name, identity = self.name.encode(), self.identity.encode()
        if self.mechanism == "PLAIN":
            return identity, name, self._secret
        return (name, self._secret) if self.mechanism == "LOGIN" else ()


def encode(octets: bytes) -> str:
    """Base64 as in a line of an exchange: an empty one is an empty line."""
    return base64.b64encode(octets).decode("ascii")


def decode(line: str) -> bytes:
    """The octets of a line of an exchange. Raises RemoteProtocolError."""
    try:
        return base64.b64decode("" if line == "=" else line, validate=True)
    except (binascii.Error, ValueError):
        raise RemoteProtocolError("not base64", 501, "5.5.2") from None


ClientExchange = Generator[bytes, bytes, None]
"""Yields responses, is sent challenges. The first response goes before a challenge."""
ServerExchange = Generator[bytes, bytes, Proof]
"""Yields challenges, is sent responses, returns what was shown."""


def _plain_client(account: Account) -> ClientExchange:
    parts = (account.identity, account.name, account.password)
    if any("\0" in part for part in parts):
        raise LocalProtocolError("a NUL in a name or a password")
    yield "\0".join(parts).encode()


def _login_client(account: Account) -> ClientExchange:
    # The name waits for the prompt: not every server takes it with the command.
    yield b""
    yield account.name.encode()
    yield account.password.encode()


def _cram_client(account: Account) -> ClientExchange:
    challenge = yield b""
    digest = hmac.digest(account.password.encode(), challenge, md5).hex()
    yield f"{account.name} {digest}".encode()


def _plain_server(_: bytes) -> ServerExchange:
    parts = (yield b"").split(b"\0")
    if len(parts) != 3:
        raise RemoteProtocolError("not identity, name and password", 501, "5.5.2")
    identity, name, password = parts
    return Proof("PLAIN", _text(name), _text(identity), password)


def _login_server(_: bytes) -> ServerExchange:
    name = yield b"Username:"
    password = yield b"Password:"
    return Proof("LOGIN", _text(name), "", password)


def _cram_server(challenge: bytes) -> ServerExchange:
    name, _, digest = (yield challenge).rpartition(b" ")
    return Proof("CRAM-MD5", _text(name), "", digest, challenge)


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("a name that is not UTF-8", 501, "5.5.2") from None


_CLIENTS: dict[str, Callable[[Account], ClientExchange]] = {
    "PLAIN": _plain_client,
    "LOGIN": _login_client,
    "CRAM-MD5": _cram_client,
}
_SERVERS: dict[str, Callable[[bytes], ServerExchange]] = {
    "PLAIN": _plain_server,
    "LOGIN": _login_server,
    "CRAM-MD5": _cram_server,
}
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")

INITIAL = frozenset({"PLAIN", "LOGIN"})
"""Mechanisms in which the client speaks first; a response may come with the command."""


class ClientSide:
    """The client's half of one exchange. initial: base64 to go with AUTH, or ""."""

    __slots__ = ("_exchange", "initial")

    def __init__(self, mechanism: str, account: Account) -> None:
        self._exchange = _CLIENTS[mechanism](account)
        self.initial = encode(next(self._exchange))

    def answer(self, challenge: str) -> str:
        """The line that answers a challenge, CANCEL where there is nothing to say."""
        try:
            return encode(self._exchange.send(decode(challenge)))
        except (StopIteration, RemoteProtocolError):
            return CANCEL


class ServerSide:
    """The server's half. challenge: for CRAM-MD5, never used before."""

    __slots__ = ("_exchange", "challenge", "mechanism")

    def __init__(self, mechanism: str, challenge: bytes = b"") -> None:
        self.mechanism = mechanism
        self._exchange = _SERVERS[mechanism](challenge)
        self.challenge = next(self._exchange)

    def begin(self, initial: str) -> bytes | Proof:
        """What follows AUTH: a challenge, or the proof if that was all.

        initial: the initial response in base64, "" for none. Raises
        RemoteProtocolError.
        """
        if not initial:
            return self.challenge
        if self.mechanism not in INITIAL:
            raise RemoteProtocolError(f"{self.mechanism}: I begin", 501, "5.7.0")
        return self.answer(initial)

    def answer(self, line: str) -> bytes | Proof:
        """What follows a response. Raises RemoteProtocolError, also for CANCEL."""
        if line == CANCEL:
            raise RemoteProtocolError("given up", 501, "5.7.0")
        try:
            return self._exchange.send(decode(line))
        except StopIteration as over:
            proof: Proof = over.value
            return proof
