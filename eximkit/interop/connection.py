"""One connection of the reference server: a socket, perhaps TLS, and the dialogue.

The event loop says when the socket is ready; everything else happens here, at once and
in order. What is answered is collected and written before anything is waited for. A
client that does not read is not read from either, so that what is held for it stays
small; each wait has its end, and what a client does between the octets of a command
does not move it.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from eximkit.interop import mainlog
from eximkit.interop.attendant import Attendant
from eximkit.interop.channel import PIECE, Channel
from eximkit.interop.tls import TlsError, TlsLayer, server_layer
from eximkit.smtp import Server
from eximkit.smtp.events import Content
from eximkit.smtp.replies import encode, reply
from eximkit.smtp.states import State

if TYPE_CHECKING:
    from eximkit.interop.house import House
    from eximkit.interop.mainlog import Peer
    from eximkit.interop.server_notes import Notes
    from eximkit.interop.service_options import Client

_LOST = encode(reply(421, "4.4.2 Lost incoming connection"))
_SLOW = encode(reply(421, "4.4.2 Timeout: closing connection"))
_GOING = encode(reply(421, "4.3.2 Service not available: closing connection"))


class Phase(Enum):
    """What a connection is about."""

    TALK = "dialogue, or the handshake before it"
    DRAIN = "all is said; what comes is read and dropped"
    OVER = "closed"


_TALK, _DRAIN, _OVER = Phase.TALK, Phase.DRAIN, Phase.OVER
_CLOSED, _SECURING = State.CLOSED, State.SECURING


class Connection(Channel):
    """Drives one client. deadline: when its patience ends, by the loop's clock."""

    __slots__ = (
        "_attendant",
        "_begun",
        "_end",
        "_house",
        "_left",
        "_log",
        "_loop",
        "_parts",
        "_server",
        "_tls",
        "client",
        "deadline",
        "phase",
        "quiet_since",
    )

    def __init__(
        self,
        house: House,
        connection: socket.socket,
        client: Client,
        secure: bool,
        tfo: str,
        notes: Notes | None,
    ) -> None:
        super().__init__(house.poller, connection, notes)
        self._loop = house.loop
        self._house = house
        self._log = house.log
        self.client = client
        service = house.policy.service(client)
        if house.context is None and service.starttls:
            service = replace(service, starttls=False)
        self._server = Server(service, secure, house.challenge)
        self._attendant = Attendant(
            self._server, client, house.policy, house.spool, house.counts, house.log,
            tfo, self._flush,
        )  # fmt: skip
        self._tls: TlsLayer | None = None
        if secure and house.context is not None:
            self._tls = server_layer(house.context)
        self._parts: list[bytes] = []
        self._left = house.bounds.drain_octets
        self.phase = _TALK
        now = house.loop.time()
        self.quiet_since = now
        self._begun = now
        self._end = now + house.bounds.whole
        self.deadline = now + house.bounds.wait

    def start(self) -> None:
        """The connection was accepted just now."""
        try:
            self._start()
        except Exception:
            self.close(reset=True)
            raise

    def _start(self) -> None:
        if self._notes is not None:
            self._notes.recorder.tcp("accepted", text=self.client.address)
        if self._tls is not None:
            self._watch()
            return
        # Whoever talks before the banner is to be known before it is written.
        octets = b""
        try:
            octets = self._socket.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close()
            return
        if octets and self._notes is not None:
            self._notes.read(len(octets))
        self._talk(octets)
        # One that has said it all in its first flight never gets here.
        if self.phase is _TALK and not self._out:
            self._watch()

    @property
    def peer(self) -> Peer:
        """The client, as log lines name it."""
        return self._attendant.peer()

    def close(self, reset: bool = False) -> None:
        """End it now. reset: let the kernel forget what could not be sent, too."""
        if self.phase is _OVER:
            return
        self.phase = _OVER
        self._shut(reset)
        if self._log is not None:
            how = "QUIT" if self._attendant.quit else ""
            self._log.closed(self.peer, self._age(), by=how)
        self._attendant.over()
        if self._notes is not None:
            self._notes.said()
            self._notes.recorder.tcp("closed")
        self._house.forget(self)

    def overdue(self) -> None:
        """The deadline has passed."""
        if self._out or self.phase is not _TALK:
            if self._out and self._log is not None:
                self._log.timed_out(self.peer, self._age())
            self.close(reset=True)
        elif not self._may_speak():
            self._failed("timeout within the handshake")
            self.close()
        else:
            if self._log is not None:
                self._log.timed_out(
                    self.peer, self._age(), in_content=self._in_content()
                )
            self._leave(_SLOW)

    def told_to_leave(self, at_once: bool) -> None:
        """The server is to stop. Who is amid something may go on, but for at_once."""
        server = self._server
        idle = server.session.mail is None and not server.buffered
        if at_once or (idle and self._loop.time() - self.quiet_since >= 0.5):
            if self.phase is _TALK and self._may_speak():
                self._leave(_GOING)
            else:
                self.close()

    def _may_speak(self) -> bool:
        """There is no handshake that is not done."""
        return self._tls is None or self._tls.established

    # -- reading -------------------------------------------------------------------

    def _read(self) -> None:
        try:
            octets = self._socket.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._broken()
            return
        if self.phase is _DRAIN:
            self._drained(len(octets))
            return
        if not octets:
            self._hung_up()
            return
        if self._notes is not None:
            self._notes.read(len(octets))
        if self._tls is None:
            self._talk(octets)
        else:
            self._decrypt(self._tls, octets)

    def _decrypt(self, layer: TlsLayer, octets: bytes) -> None:
        fresh = not layer.established
        try:
            plain = layer.feed(octets)
        except TlsError as error:
            self._failed(str(error))
            self._send(layer.outgoing())
            self._finish()
            return
        if not layer.established:
            self._send(layer.outgoing())
            return
        if fresh:
            self._secured(layer)
        if plain or fresh:
            self._talk(plain)
        if self.phase is _TALK:
            self._send(layer.outgoing())
            if layer.ended:
                self._hung_up()

    def _secured(self, layer: TlsLayer) -> None:
        if self._server.handshaking:
            self._server.secured()
        if self._notes is not None:
            self._notes.recorder.tls("established", layer.suite)
        self._attendant.tls = mainlog.Tls(
            layer.version, layer.cipher, layer.bits, layer.resumed
        )

    def _talk(self, octets: bytes) -> None:
        """Let the dialogue go on with these octets, and write what it says."""
        server, attendant, parts = self._server, self._attendant, self._parts
        notes = self._notes
        for event in server.feed(octets):
            if notes is not None:
                notes.event(event)
            if type(event) is Content:
                attendant.content(event.octets)
            else:
                parts.append(attendant.answer(event))  # type: ignore[arg-type]
                if self.phase is _OVER:
                    # It broke while a message was kept: nobody hears the rest.
                    return
        if notes is not None:
            notes.said()
        now = self.quiet_since = self._loop.time()
        if parts or server.receiving:
            self.deadline = min(now + self._house.bounds.wait, self._end)
        self._flush()
        state = server.state
        if state is _CLOSED:
            self._finish()
        elif state is _SECURING and self._house.context is not None:
            self._tls = server_layer(self._house.context)

    def _hung_up(self) -> None:
        """The client sends no more, and has not said QUIT."""
        if self._notes is not None:
            self._notes.recorder.tcp("fin", direction=">")
        if not self._may_speak():
            self._failed("the client went away within the handshake")
            self.close()
            return
        self._lost()
        # It may still read, but there is nothing to wait for.
        self._leave(_LOST)
        if not self._out:
            self.close()

    def _broken(self) -> None:
        if self._notes is not None:
            self._notes.recorder.tcp("reset")
        if self.phase is _TALK:
            self._lost()
        self.close()

    # -- writing -------------------------------------------------------------------

    def _flush(self) -> None:
        """Write what has been answered."""
        parts = self._parts
        if not parts:
            return
        octets = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self._notes is not None:
            self._notes.replies(octets)
        if self._tls is not None:
            try:
                self._tls.write(octets)
            except TlsError:
                self._broken()
                return
            octets = self._tls.outgoing()
        self._send(octets)

    def _written(self) -> None:
        if self.phase is _DRAIN:
            self._half_close()

    def abandon(self) -> None:
        self.close(reset=True)

    # -- the end -------------------------------------------------------------------

    def _leave(self, words: bytes) -> None:
        """Say a last word that nobody has asked for."""
        self._parts.append(words)
        self._flush()
        self._finish()

    def _finish(self) -> None:
        """All is said: once it is written, what still comes is read and dropped."""
        if self.phase is not _TALK:
            return
        self.phase = _DRAIN
        self.deadline = self._loop.time() + self._house.bounds.drain_seconds
        if self._tls is not None:
            self._tls.close()
            self._send(self._tls.outgoing())
        if not self._out:
            self._half_close()

    def _half_close(self) -> None:
        if self.phase is _OVER:
            return
        if self._attendant.quit and self._tls is None:
            # It has said that it has nothing more to say.
            self.close()
            return
        # A close with something unread would be a reset, and that may overtake the
        # reply on its way to the client.
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        if self._notes is not None:
            self._notes.recorder.tcp("fin", direction="<")
        self._watch()
        self._read()

    def _drained(self, octets: int) -> None:
        self._left -= octets
        if not octets or self._left < 0:
            self.close()

    # -- what the log says ---------------------------------------------------------

    def _age(self) -> float:
        return self._loop.time() - self._begun

    def _in_content(self) -> bool:
        return self._server.state is State.CONTENT

    def _lost(self) -> None:
        if self._log is not None:
            self._log.lost(self.peer, self._age(), in_content=self._in_content())

    def _failed(self, reason: str) -> None:
        if self._log is not None:
            self._log.tls_error(self.peer, reason)
