"""SMTP without sockets: both sides of a dialogue as functions of the octets read.

`Client` and `Server` keep to the protocol, `Sender` makes deliveries of a `Client`'s
steps, early pipelining included. Octets go in, events and octets come out; sockets,
TLS, clocks, DNS and files belong to whoever drives them.
"""

from __future__ import annotations

from eximkit.smtp.client import Client

__all__ = ["Client"]
