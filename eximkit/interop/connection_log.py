"""The lines of a main log that are about connections, not about messages.

Exim specification, chapter "Log files"; their wording by trying 4.96.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.interop.log_fields import (
    MOST_INPUT,
    MOST_NAME,
    printing,
    printing_octets,
    readable,
)
from eximkit.interop.log_lines import LogLines, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.interop.log_fields import Peer, Tls


class ConnectionLog(LogLines):
    """Writes what clients did. A method whose selector is off writes nothing."""

    def rejected(
        self,
        what: str,
        peer: Peer,
        reason: str = "",
        *,
        message_id: str = "",
        sender: str | None = None,
        tls: Tls | None = None,
        authenticated: str = "",
        temporarily: bool = False,
    ) -> None:
        """`rejected RCPT <b@c>: reason`, or temporarily.

        what: `RCPT <b@c>`, `MAIL <a@b>`, `EHLO or HELO a.b`, `connection`, `after
        DATA`, … sender: of the envelope, once there is one. message_id: for `after
        DATA`, as Exim has one by then. Of a reason the first line is logged.
        """
        parts = [f"H={self._client(peer)}", *self._interface(peer)]
        parts += self._tls(tls)
        if sender is not None:
            parts.append(f"F=<{readable(sender)}>")
        parts.append(named("A", printing(authenticated, MOST_NAME, ' "')))
        parts += ["temporarily" * temporarily, f"rejected {readable(what[:1024])}"]
        text = readable(reason.partition("\n")[0])
        self._write(message_id, parts, f": {text}" if text else "")

    def sync_error(
        self,
        peer: Peer,
        following: bytes,
        *,
        command: bytes = b"",
        advertised: bool = False,
    ) -> None:
        """Input that came too soon; without a command, before the banner.

        following: that input. advertised: PIPELINING was offered.
        """
        start = "SMTP protocol synchronization error"
        host = " ".join((f"H={self._client(peer)}", *self._interface(peer)))
        shown = printing_octets(following, MOST_INPUT) + '"'
        if not command:
            why = "input sent without waiting for greeting"
            text = f'({why}): rejected connection from {host} input="{shown}'
        else:
            why = f"pipelining was {'' if advertised else 'not '}advertised"
            text = (
                f"(next input sent too soon: {why}): rejected "
                f'"{printing_octets(command, MOST_INPUT)}" {host} next input="{shown}'
            )
        self._write("", [start, text])

    def bad_command(
        self, peer: Peer, command: bytes, reason: str, *, syntax: bool
    ) -> None:
        """Selectors `smtp_syntax_error` and `smtp_protocol_error`."""
        kind = "syntax" if syntax else "protocol"
        if self._has(f"smtp_{kind}_error"):
            shown = printing_octets(command, MOST_INPUT)
            parts = [f'SMTP {kind} error in "{shown}"', f"H={self._client(peer)}"]
            parts += [*self._interface(peer), readable(reason)]
            self._write("", parts)

    def connected(self, peer: Peer, count: int) -> None:
        """Selector `smtp_connection`. count: of connections that there are now."""
        if self._has("smtp_connection"):
            number = f"(TCP/IP connection count = {count})"
            self._write("", ["SMTP connection from", *self._who(peer), number])

    def closed(self, peer: Peer, seconds: float, *, by: str = "QUIT") -> None:
        """Selector `smtp_connection`: closed by QUIT, EOF, …; by: "" where it was
        lost.
        """
        if self._has("smtp_connection"):
            how = f"closed by {by}" if by else f"lost D={self._duration(seconds)}"
            self._write("", ["SMTP connection from", *self._who(peer), how])

    def lost(self, peer: Peer, seconds: float, *, in_content: bool = False) -> None:
        """Selector `lost_incoming_connection`: the client went away in the middle."""
        if not self._has("lost_incoming_connection"):
            return
        who = self._who(peer)
        if in_content:
            self._write(
                "", ["SMTP connection from", *who, "lost while reading message data"]
            )
        else:
            what = "unexpected disconnection while reading SMTP command from"
            self._write("", [what, *who, f"D={self._duration(seconds)}"])

    def timed_out(
        self, peer: Peer, seconds: float, *, in_content: bool = False
    ) -> None:
        """Selector `lost_incoming_connection`: the client said nothing for too long."""
        if self._has("lost_incoming_connection"):
            what = (
                "data timeout (message abandoned)" if in_content else "command timeout"
            )
            parts = [f"SMTP {what} on connection from", *self._who(peer)]
            self._write("", [*parts, f"D={self._duration(seconds)}"])

    def incomplete(self, peer: Peer, sender: str, why: str) -> None:
        """Selector `smtp_incomplete_transaction`. why: `QUIT`, `connection lost`, …"""
        if self._has("smtp_incomplete_transaction"):
            parts = [f"H={self._client(peer)}", *self._interface(peer)]
            parts += [f"incomplete transaction ({why}) from <{readable(sender)}>"]
            self._write("", parts)

    def no_mail(
        self,
        peer: Peer,
        commands: Sequence[str],
        seconds: float,
        *,
        tls: Tls | None = None,
        tfo: str = "",
    ) -> None:
        """Selector `smtp_no_mail`: a connection that brought no message.

        commands: the last of them, as Exim keeps twenty.
        """
        if self._has("smtp_no_mail"):
            parts = ["no MAIL in", tfo, "SMTP connection from", *self._who(peer)]
            parts += [f"D={self._duration(seconds)}", *self._tls(tls)]
            shown = ",".join(printing(one, 12, " ,") for one in commands[-20:])
            parts.append(named("C", "..." * (len(commands) > 20) + shown))
            self._write("", parts)

    def no_host_name(self, address: str) -> None:
        """Selector `host_lookup_failed`: the address has no name."""
        if self._has("host_lookup_failed"):
            self._write("", ["no host name found for IP address", address])

    def authentication_failed(
        self, authenticator: str, peer: Peer, reason: str, who: str = ""
    ) -> None:
        """`plain authenticator failed for …: 535 Incorrect …`."""
        parts = [authenticator, "authenticator failed for", *self._who(peer)]
        parts[-1] += ":"
        parts.append(printing(reason, 512))
        if who:
            parts.append(f"(set_id={printing(who, MOST_NAME)})")
        self._write("", parts)

    def dropped(self, peer: Peer, why: str, last: bytes = b"") -> None:
        """`SMTP call from … dropped: too many … (last was "…")`."""
        shown = f' (last was "{printing_octets(last, MOST_INPUT)}")' if last else ""
        parts = ["SMTP call from", *self._who(peer), f"dropped: {readable(why)}{shown}"]
        self._write("", parts)

    def refused(self, peer: Peer, why: str = "") -> None:
        """Selector `connection_reject`: `refused connection from …`."""
        if self._has("connection_reject"):
            shown = f"({readable(why)})" if why else ""
            parts = ["refused connection from", f"H={self._client(peer)}"]
            self._write("", [*parts, *self._interface(peer), shown])

    def tls_error(self, peer: Peer, reason: str, *, step: str = "handshake") -> None:
        """`TLS error on connection from … (handshake): reason`."""
        parts = ["TLS error on connection from", *self._who(peer), f"({step}):"]
        self._write("", [*parts, readable(reason)])

    def note(self, text: str, message_id: str = "") -> None:
        """Free text."""
        self._write(message_id, [], readable(text))
