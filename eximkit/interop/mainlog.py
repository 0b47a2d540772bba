"""A main log in Exim's own format, written as a server and a client go along.

Exim specification, chapter "Log files". One write for each line, so that several
processes may write to one file. What a peer says is escaped as Exim does it, and no
line gets longer than Exim's. `eximkit logs` reads every field back as it was given.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from eximkit.interop.connection_log import ConnectionLog
from eximkit.interop.log_fields import (
    MOST_CONFIRMATION,
    MOST_NAME,
    MOST_SUBJECT,
    Peer,
    Tls,
    address,
    inbound_form,
    outbound_form,
    printing,
    protocol,
    quoted,
    readable,
    recipient,
)
from eximkit.interop.log_lines import DEFAULT, named
from eximkit.interop.message_ids import message_id

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_REASON = 4096
_HEADER_ID_END = frozenset(' "<>\\')


class MainLog(ConnectionLog):
    """A log file. fault: why the last line is not in it, "" if it is.

    No method raises for what is wrong with the file.
    """

    def arrival(
        self,
        message_id: str,
        sender: str,
        peer: Peer | None,
        *,
        size: int,
        protocol: str,
        form: str = "",
        tls: Tls | None = None,
        tfo: str = "",
        authenticated: tuple[str, str] = ("", ""),
        prdr: bool = False,
        chunked: bool = False,
        header_id: str = "",
        subject: str | None = None,
        recipients: Sequence[str] = (),
        user: str = "",
        receive_time: float = 0.0,
    ) -> None:
        """`<=`: a message was received; without a peer, from a local user.

        size: octets. tfo: "TFO" or "TFO*". authenticated: authenticator and id.
        """
        parts = ["<=", address(sender)]
        if peer is not None:
            parts += [f"H={self._client(peer)}", *self._interface(peer)]
        parts += [tfo, named("U", printing(user, MOST_NAME, ' "'))]
        parts += [named("P", protocol), self._form(form), *self._tls(tls)]
        login, name = authenticated
        if login:
            shown = printing(name, MOST_NAME, ' "\\')
            parts.append(f"A={login}" + (f":{shown}" if shown else ""))
        parts += ["PRDR" * prdr, "K" * chunked, f"S={size}"]
        if self._has("receive_time"):
            parts.append(f"RT={self._duration(receive_time)}")
        if self._has("msg_id") and not _HEADER_ID_END & {*header_id}:
            parts.append(named("id", printing(header_id, MOST_NAME)))
        if subject is not None and self._has("subject"):
            parts.append(f'T="{printing(quoted(subject, MOST_SUBJECT))}"')
        if self._has("received_sender"):
            parts.append(f"from <{readable(sender)}>")
        if recipients and self._has("received_recipients"):
            parts += ["for", *map(readable, recipients)]
        self._write(message_id, parts, listed=True)

    def delivery(
        self,
        message_id: str,
        to: str,
        peer: Peer,
        *,
        router: str,
        transport: str,
        sender: str = "",
        further: bool = False,
        continued: bool = False,
        form: str = "",
        tls: Tls | None = None,
        tfo: str = "",
        authenticated: str = "",
        prdr: bool = False,
        chunked: bool = False,
        confirmation: str = "",
        queue_time: float | None = None,
        delivery_time: float | None = None,
    ) -> None:
        """`=>`, or `->` for a further recipient of the same transaction.

        continued: not the first message of its connection. confirmation: the reply, its
        lines apart. Times in seconds, if they are to be logged.
        """
        parts = ["->" if further else "=>", recipient(to)]
        parts += self._paths(sender)
        parts += [f"R={router}", f"T={transport}"]
        parts.append(f"H={self._server(peer)}{'*' * continued}")
        parts += [*self._sending_interface(peer), tfo, *self._tls(tls, "outgoing")]
        parts += [named("A", authenticated), self._form(form)]
        parts += ["PRDR" * prdr, "K" * chunked]
        if confirmation and self._has("smtp_confirmation"):
            # Escaped twice, as 4.96 has it.
            shown = quoted(printing(confirmation, MOST_CONFIRMATION), 0)
            parts.append(f'C="{shown}"')
        if queue_time is not None and self._has("queue_time"):
            parts.append(f"QT={self._duration(queue_time)}")
        parts += self._took(delivery_time)
        self._write(message_id, parts)

    def deferral(
        self,
        message_id: str,
        to: str,
        reason: str,
        *,
        router: str,
        transport: str,
        peer: Peer | None = None,
        number: int = 0,
        delivery_time: float | None = None,
    ) -> None:
        """`==`: put off. number: an errno, whose name is added, or Exim's own, below 0.

        Exim's: -18 the connection was lost, -44 refused for now after RCPT, -45 after
        MAIL, -46 after DATA, -37 TLS was needed.
        """
        parts = ["==", recipient(to), f"R={router}", f"T={transport}"]
        error = f": {os.strerror(number)}" if number > 0 else ""
        parts.append(f"defer ({number}){error}")
        if peer is not None:
            parts.append(f"H={self._server(peer)}")
        parts += self._took(delivery_time)
        text = readable(reason)
        self._write(message_id, parts, f": {text}" if text else "")

    def failure(
        self,
        message_id: str,
        to: str,
        reason: str,
        *,
        router: str,
        transport: str,
        sender: str = "",
        peer: Peer | None = None,
        tls: Tls | None = None,
        delivery_time: float | None = None,
    ) -> None:
        """`**`: failed for good."""
        parts = ["**", recipient(to), *self._paths(sender)]
        parts += [f"R={router}", f"T={transport}"]
        if peer is not None:
            parts += [f"H={self._server(peer)}", *self._sending_interface(peer)]
            parts += self._tls(tls, "outgoing")
        took = "".join(f" {part}" for part in self._took(delivery_time))
        text = readable(reason[:MOST_REASON])
        self._write(message_id, parts, f": {text}{took}")

    def host_error(self, message_id: str, peer: Peer, reason: str) -> None:
        """A host did not take the message now: `H=name [ip]: SMTP error …`."""
        self._write(message_id, [f"H={self._server(peer)}"], f": {readable(reason)}")

    def unreachable(self, message_id: str, peer: Peer, reason: str) -> None:
        """There was no connection: `H=name [ip] Connection refused`."""
        self._write(message_id, [f"H={self._server(peer)}", readable(reason)])

    def completed(self, message_id: str, queue_time: float | None = None) -> None:
        """The message needs nothing more."""
        parts = ["Completed"]
        if queue_time is not None and self._has("queue_time_overall"):
            parts.append(f"QT={self._duration(queue_time)}")
        self._write(message_id, parts)

    def _paths(self, sender: str) -> list[str]:
        tags = (("F", "sender_on_delivery"), ("P", "return_path_on_delivery"))
        return [f"{tag}=<{readable(sender)}>" for tag, on in tags if self._has(on)]

    def _took(self, seconds: float | None) -> list[str]:
        if seconds is None or not self._has("deliver_time"):
            return []
        return [f"DT={self._duration(seconds)}"]


__all__ = [
    "DEFAULT",
    "MainLog",
    "Peer",
    "Tls",
    "inbound_form",
    "message_id",
    "outbound_form",
    "protocol",
]
