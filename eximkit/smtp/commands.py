"""Commands: what each holds, and its line on the wire (RFC 5321 4.1.1 and extensions).

Text is str, UTF-8 on the wire; beyond ASCII it is read in MAIL, RCPT and VRFY only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp import addresses, parameters
from eximkit.smtp.states import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.smtp.parameters import Parameters

LINE = 512
"""A command line with its end (RFC 5321 4.5.3.1.4) ..."""
ALLOWANCE: dict[Step, int] = {
    Step.AUTH: 12288 - LINE,
    Step.RESPONSE: 12288 - LINE,
    # SIZE 26, BODY 17, SMTPUTF8 10, AUTH 500, RET and ENVID 121, PRDR 5.
    Step.MAIL: 26 + 17 + 10 + 500 + 121 + 5,
    Step.RCPT: 500,
}
"""... and what the extensions add to it."""
LONGEST_LINE = 12288
"""Of all commands the longest (RFC 4954 4)."""


@dataclass(frozen=True, slots=True)
class Ehlo:
    """EHLO: a greeting that asks for the extensions. name: a domain or a literal."""

    name: str
    step: ClassVar[Step] = Step.EHLO


@dataclass(frozen=True, slots=True)
class Helo:
    """HELO: a greeting of old."""

    name: str
    step: ClassVar[Step] = Step.HELO


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM. sender: an address, "" for <>."""

    sender: str
    parameters: Parameters = field(default_factory=dict)
    step: ClassVar[Step] = Step.MAIL


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT TO."""

    recipient: str
    parameters: Parameters = field(default_factory=dict)
    step: ClassVar[Step] = Step.RCPT


@dataclass(frozen=True, slots=True)
class Data:
    """DATA."""

    step: ClassVar[Step] = Step.DATA


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT. size: the octets of the chunk, which follow the line."""

    size: int
    last: bool

    @property
    def step(self) -> Step:
        return Step.BDAT_LAST if self.last else Step.BDAT


@dataclass(frozen=True, slots=True)
class Rset:
    """RSET."""

    step: ClassVar[Step] = Step.RSET


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP."""

    text: str = ""
    step: ClassVar[Step] = Step.NOOP


@dataclass(frozen=True, slots=True)
class Vrfy:
    """VRFY."""

    text: str
    step: ClassVar[Step] = Step.VRFY


@dataclass(frozen=True, slots=True)
class Help:
    """HELP."""

    text: str = ""
    step: ClassVar[Step] = Step.HELP


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT."""

    step: ClassVar[Step] = Step.QUIT


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS."""

    step: ClassVar[Step] = Step.STARTTLS


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH. initial: the initial response in base64, "=" for an empty one, "" without.

    It is kept out of `repr`: it holds a password.
    """

    mechanism: str
    initial: str = field(default="", repr=False)
    step: ClassVar[Step] = Step.AUTH


Command = (
    Ehlo | Helo | Mail | Rcpt | Data | Bdat | Rset | Noop | Vrfy | Help | Quit
    | StartTls | Auth
)  # fmt: skip

_BDAT = re.compile(r"([0-9]{1,18})(?: +(LAST))?", re.IGNORECASE)
_AUTH = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +([A-Za-z0-9+/]+={0,2}|=))?")
_FROM = re.compile(r"FROM: *", re.IGNORECASE | re.ASCII)
_TO = re.compile(r"TO: *", re.IGNORECASE | re.ASCII)
"""RFC 5321 3.3 allows no space here, and senders put one there all the same."""


def _syntax(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(what, 501, "5.5.4")


def _name(rest: str) -> str:
    if not addresses.is_name(rest):
        raise _syntax("not a host name or an address literal")
    return rest


def _path(rest: str, word: re.Pattern[str], step: Step) -> tuple[str, Parameters]:
    match = word.match(rest)
    if match is None:
        shown = word.pattern.rstrip(" *")
        raise _syntax(f"{step.value} is followed by {shown}<address>")
    address, more = addresses.path(rest, match.end())
    return address, parameters.parse(more, step) if more else {}


def _mail(rest: str) -> Mail:
    address, given = _path(rest, _FROM, Step.MAIL)
    if not address.isascii() and "SMTPUTF8" not in given:
        raise RemoteProtocolError("an address that needs SMTPUTF8", 553, "5.6.7")
    return Mail(address, given)


def _rcpt(rest: str) -> Rcpt:
    address, given = _path(rest, _TO, Step.RCPT)
    if not address:
        raise RemoteProtocolError("no recipient is <>", 501, "5.1.3")
    return Rcpt(address, given)


def _bdat(rest: str) -> Bdat:
    match = _BDAT.fullmatch(rest)
    if match is None:
        raise _syntax("BDAT is followed by a size and perhaps LAST")
    return Bdat(int(match[1]), match[2] is not None)


def _auth(rest: str) -> Auth:
    match = _AUTH.fullmatch(rest)
    if match is None:
        raise _syntax("AUTH is followed by a mechanism and perhaps base64")
    return Auth(match[1].upper(), match[2] or "")


def _vrfy(rest: str) -> Vrfy:
    if not rest:
        raise _syntax("VRFY is followed by what to verify")
    return Vrfy(rest)


_Plain = type[Data] | type[Rset] | type[Quit] | type[StartTls]


def _bare(command: _Plain) -> Callable[[str], Command]:
    def made(rest: str) -> Command:
        if rest:
            raise _syntax(f"{command.step.value} is followed by nothing")
        return command()

    return made


_PARSERS: dict[bytes, Callable[[str], Command]] = {
    b"EHLO": lambda rest: Ehlo(_name(rest)),
    b"HELO": lambda rest: Helo(_name(rest)),
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _bare(Data),
    b"BDAT": _bdat,
    b"RSET": _bare(Rset),
    b"NOOP": Noop,
    b"VRFY": _vrfy,
    b"HELP": Help,
    b"QUIT": _bare(Quit),
    b"STARTTLS": _bare(StartTls),
    b"AUTH": _auth,
}
_COMPLETE: dict[bytes, Command] = {
    kind.step.value.encode(): kind() for kind in (Data, Rset, Quit, StartTls, Noop)
}
"""Whole lines, as nearly everybody writes them."""
_EIGHT_BIT = frozenset({b"MAIL", b"RCPT", b"VRFY"})
_CONTROL = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]")


class Unknown(RemoteProtocolError):
    """A command that there is not."""


def parse(line: bytes) -> Command:
    """The command that a line holds. line: without its CRLF.

    Raises RemoteProtocolError with the code to answer with, Unknown among them.
    """
    made = _COMPLETE.get(line)
    if made is not None:
        return made
    if _CONTROL.search(line):
        raise RemoteProtocolError("a control character within a command", 500)
    verb, _, rest = line.partition(b" ")
    verb = verb.upper()
    parser = _PARSERS.get(verb)
    if parser is None:
        raise Unknown("command unknown", 500, "5.5.1")
    try:
        text = rest.decode("utf-8" if verb in _EIGHT_BIT else "ascii")
    except UnicodeDecodeError:
        raise _syntax("octets that are no text") from None
    command = parser(text.strip(" \t"))
    if len(line) > LINE - 2 and len(line) + 2 > LINE + ALLOWANCE.get(command.step, 0):
        raise RemoteProtocolError("line too long", 500)
    return command


def bdat_size(line: bytes) -> int | None:
    """How many octets follow a faulty BDAT, if it tells."""
    match = re.match(rb"BDAT +([0-9]{1,18})(?=[ \r\n]|\Z)", line, re.IGNORECASE)
    return int(match[1]) if match else None


def encode(command: Command, as_is: bool = False) -> bytes:
    """The line of a command, with its CRLF.

    as_is: names and values may be wrong, as those of others are; it stays one line.
    Raises LocalProtocolError for what would not be read as that very command.
    """
    line = _words(command).rstrip(" ").encode("utf-8", "surrogateescape")
    if _CONTROL.search(line):
        raise LocalProtocolError(f"a line end or a NUL in {command.step.value}")
    if not as_is:
        try:
            understood = parse(line)
        except RemoteProtocolError as error:
            raise LocalProtocolError(
                f"{command.step.value} cannot be sent: {error.message}"
            ) from None
        if understood != command:
            raise LocalProtocolError(f"{command.step.value} would be read otherwise")
    return line + b"\r\n"


def _words(command: Command) -> str:
    match command:
        case Ehlo(name) | Helo(name):
            return f"{command.step.value} {name}"
        case Mail(sender, given):
            return f"MAIL FROM:<{sender}>{parameters.encode(given, Step.MAIL)}"
        case Rcpt(recipient, given):
            return f"RCPT TO:<{recipient}>{parameters.encode(given, Step.RCPT)}"
        case Bdat(size, last):
            return f"BDAT {size}{' LAST' if last else ''}"
        case Auth(mechanism, initial):
            return f"AUTH {mechanism} {initial}"
        case Noop(text) | Vrfy(text) | Help(text):
            return f"{command.step.value} {text}"
        case _:
            return command.step.value
