"""How hosts are written in log lines.

A client is `name (helo) [ip]`, with what is known of it; the HELO is its own text and may
hold anything where `helo_accept_junk_hosts` lets it. A server is `name [ip]`.
"""

from __future__ import annotations

from eximkit.logs.syntax import IP

_NAME = rb'[^ ()\[\]"]++'
_ADDRESS = rb"\[(?P<ip>" + IP + rb")\](?::(?P<port>\d++))?+"

BEFORE_ADDRESS = rb"(?!\) \[" + IP + rb"\])."
"""An octet of a text in which no HELO ends: the host was not yet named before it."""


def client(tag: bytes = rb" H=") -> bytes:
    """A client behind a tag. Its HELO ends at the first place where it can."""
    helo = rb"(?>\((?P<helo>.*?)\) (?=\[" + IP + rb"\]))?+"
    return tag + rb"(?:(?P<host_name>" + _NAME + rb") )?+" + helo + _ADDRESS


def patient_client(tag: bytes = rb" H=") -> bytes:
    """A client whose HELO may end at any place where an address follows."""
    helo = rb"(?:\((?P<helo>.*?)\) )?"
    return tag + rb"(?:(?P<host_name>" + _NAME + rb") )?+" + helo + _ADDRESS


def server(tag: bytes = rb" H=") -> bytes:
    """A server behind a tag; a host of a local delivery has no address."""
    return (
        tag + rb"(?P<host_name>[^ ]*[^ :])(?: (?P<dnssec>DS)(?= ))?+"
        rb"(?: " + _ADDRESS + rb"(?P<continued>\*)?+)?+"
    )
