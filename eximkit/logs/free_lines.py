"""Lines without an event flag: what a client did, what an ACL decided, what a daemon
does.

What such a line is about is told by its own first words, or by those behind the host.
Anything may follow.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from eximkit.logs.fields import ADDRESS, INDEX, INTERFACE, NOT_COLON, PATH, field
from eximkit.logs.free_forms import CLIENT, FORMS, OBJECTS, OF_MESSAGES, PEER, VERBS
from eximkit.logs.hosts import client, patient_client, server
from eximkit.logs.matching import Patient, Plain
from eximkit.logs.record import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.logs.fields import Values
    from eximkit.logs.matching import Others

_BEFORE_VERBS = ("H=", "U=", "F=", "DS ", "rejected", "temporarily")


def _client(host: Callable[[str], str], tags: str = "") -> str:
    """A client behind H=, or a local user behind U=; the tags may be optional."""
    known = host(f"(?:H=){tags}") + INTERFACE + field("ident", "U", NOT_COLON)
    return f"(?:{known}|(?:U=){tags}(?P<ident_2>[^ :(]++))"


def _peer(host: Callable[[str], str]) -> str:
    return _client(host, "?+")


def _said(host: Callable[[str], str]) -> str:
    """What stands before the server's words about a client, up to the blank."""
    known = host("H=") + INTERFACE + field("ident", "U")
    return (
        "(?:(?P<dnssec>DS) )?+(?:F=(?P<sender>[^ <]++) )?+"
        f"(?:(?:{known}|U=(?P<ident_2>[^ ]++)) )?"
        "(?:P=(?P<protocol>[^ ]++) )?+"
        "(?:X=(?P<tls>[^ ]++) )?+(?:CV=(?P<verified>[^ ]++) )?+"
        '(?:DN="(?P<dn>[^"]*+)" )?+(?:SNI=(?P<sni>[^ ]++) )?+'
        f"(?:F=(?P<sender_2>{PATH}) )?+"
        "(?:A=(?P<authenticated>[^ ]++) )?+(?:(?P<spf>SPF(?:=[^ ]++)?+) )?+"
    )


SAID = "<SAID>"
"""In a pattern: what stands before the server's words about a client."""
_PLACES = {PEER: _peer, CLIENT: _client, SAID: _said}
FIRST_WORDS = frozenset(form.first_word for form in FORMS)


def plain_pattern(pattern: str) -> str:
    """A pattern with its clients in their plain form; it is tried first."""
    return _written(pattern, client)


def _written(pattern: str, host: Callable[[str], str]) -> str:
    for place, written in _PLACES.items():
        pattern = pattern.replace(place, written(host))
    return pattern


class _Matcher:
    """A pattern in its plain form, and the patient one if there is a client in it."""

    def __init__(self, pattern: str) -> None:
        plain, patient = plain_pattern(pattern), _written(pattern, patient_client)
        self._plain = Plain(plain)
        self._patient = None if patient == plain else Patient(patient)

    def take(self, text: str, values: Values) -> Others | None:
        """Put the fields of a line into their places; None where they do not fit."""
        others = self._plain.take(text, values)
        # Only behind a HELO there may be another end of it.
        if others is None and self._patient is not None and ") [" in text:
            return self._patient.take(text, values)
        return others


@cache
def _forms(first_word: str) -> tuple[tuple[Kind, _Matcher], ...]:
    return tuple(
        (form.kind, _Matcher(form.pattern))
        for form in FORMS
        if form.first_word == first_word
    )


@cache
def _verb() -> _Matcher:
    verbs = "|".join(verb for verb in VERBS if verb != "RCPT")
    return _Matcher(f"{SAID}(?P<verb>{verbs}|RCPT(?= <)) (?P<rest>.*+)")


@cache
def _objects(kind: Kind) -> tuple[Plain, ...]:
    return tuple(Plain(pattern) for pattern in OBJECTS[kind])


@cache
def _host_error() -> Plain:
    return Plain(f"{server('H=')}{INTERFACE}:? (?P<text>.*+)")


@cache
def _ignored() -> Plain:
    return Plain(
        f"(?P<address>.*?)(?: <(?P<original>{ADDRESS})>)?: error ignored"
        "(?:: (?P<text>.*+))?+"
    )


def take_free_line(text: str, values: Values, *, of_message: bool) -> Kind:
    """The sort of a line; its fields go into their places.

    of_message: it has a message id. Text of no known sort is a NOTE then, and UNPARSED
    otherwise.
    """
    first = text.partition(" ")[0]
    for word in (first, "") if first in FIRST_WORDS else ("",):
        for kind, matcher in _forms(word):
            if (of_message or kind not in OF_MESSAGES) and (
                matcher.take(text, values) is not None
            ):
                return kind
    if text.startswith(_BEFORE_VERBS):
        others = _verb().take(text, values)
        if others is not None:
            return _take_object(VERBS[others["verb"]], others["rest"], values)
    if of_message:
        if text.startswith("H=") and _host_error().take(text, values) is not None:
            return Kind.HOST_ERROR
        if ": error ignored" in text and _ignored().take(text, values) is not None:
            return Kind.ERROR_IGNORED
    values[INDEX["text"]] = text
    return Kind.NOTE if of_message else Kind.UNPARSED


def rejected_object(rest: str) -> tuple[str, str]:
    """What the server rejected, and why: of what follows `rejected `."""
    values: Values = [""] * len(INDEX)
    _take_object(Kind.REJECTION, rest, values)
    return values[INDEX["command"]], values[INDEX["text"]]


def _take_object(kind: Kind, rest: str, values: Values) -> Kind:
    """What the server decided on."""
    for pattern in _objects(kind):
        if pattern.take(rest, values) is not None:
            break
    return kind
