"""SMTP without sockets: both sides of a dialogue as functions of the octets read.

`Client` and `Server` keep to the protocol. A `Sender` sends messages over a `Client`,
early pipelining included, and a `Delivery` is one of them or, where early mode went
wrong, two. Octets go in, events and octets come out; sockets, TLS, clocks, DNS and
files belong to whoever drives them.
"""

from __future__ import annotations

from eximkit.smtp.client import Client
from eximkit.smtp.delivery import Delivery
from eximkit.smtp.sender import Sender
from eximkit.smtp.server import Server
from eximkit.smtp.service import Service

__all__ = ["Client", "Delivery", "Sender", "Server", "Service"]
