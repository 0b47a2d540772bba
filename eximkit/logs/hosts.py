"""How hosts are written in log lines.

A client is `name (helo) [ip]`, with what is known of it; the HELO is its own text and
may hold anything where `helo_accept_junk_hosts` lets it. A server is `name [ip]`.
"""

from __future__ import annotations

from eximkit.logs.fields import IP, PORT

_NAME = r'(?:(?P<host_name>[^ ()\[\]"]++) )?+'
_ADDRESS = rf"\[(?P<ip>{IP})\](?::(?P<port>{PORT}))?+"

BEFORE_ADDRESS = rf"(?!\) \[{IP}\])."
"""A character of a text in which no HELO ends."""


def client(tag: str = " H=") -> str:
    """A client behind a tag. Its HELO ends at the first place where it can."""
    return rf"{tag}{_NAME}(?>\((?P<helo>.*?)\) (?=\[{IP}\]))?+{_ADDRESS}"


def patient_client(tag: str = " H=") -> str:
    """A client whose HELO may end at any place where an address follows."""
    return rf"{tag}{_NAME}(?:\((?P<helo>.*?)\) )?{_ADDRESS}"


def server(tag: str = " H=") -> str:
    """A server behind a tag; a host of a local delivery has no address."""
    return (
        rf"{tag}(?P<host_name>[^ ]*[^ :])(?: (?P<dnssec>DS)(?= ))?+"
        rf"(?: {_ADDRESS}(?P<continued>\*)?+)?+"
    )
