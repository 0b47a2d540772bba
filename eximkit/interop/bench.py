"""The bench on which scenarios are tried: rooms, peers, and who of them is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.interop.exim_peer import Exim, EximClient, EximServer
from eximkit.interop.eximkit_peer import EximkitClient, EximkitServer
from eximkit.interop.transcript import of_connection, read

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.link import End
    from eximkit.interop.peer import ClientPeer, ServerPeer, Setup
    from eximkit.interop.transcript import Event
    from eximkit.interop.workshop import Workshop


class Bench:
    """Makes peers. exim: the real one, or why there is none."""

    def __init__(self, workshop: Workshop, exim: Exim | str) -> None:
        self.workshop = workshop
        self.exim = exim

    def room(self, name: str) -> Path:
        return self.workshop.room(name)

    def server(self, name: str, setup: Setup, end: End) -> ServerPeer:
        """A server that is not up yet, in a room of its own."""
        room = self.room("server")
        if name == "exim" and isinstance(self.exim, Exim):
            return EximServer(self.exim, setup, self.workshop, end, room)
        return EximkitServer(setup, self.workshop, end, room)

    def client(
        self, name: str, setup: Setup, end: End, server: ServerPeer | None = None
    ) -> ClientPeer:
        """A client that knows nothing of any server."""
        room = self.room("client")
        if name == "exim" and isinstance(self.exim, Exim):
            return EximClient(self.exim, setup, self.workshop, end, room)
        return EximkitClient(setup, self.workshop, end, room, server)

    def obstacle(self, name: str) -> str:
        """Why a peer cannot be had, "" if it can."""
        return self.exim if name == "exim" and isinstance(self.exim, str) else ""

    def title(self, name: str) -> str:
        """A peer's name with its version."""
        return (
            self.exim.name if name == "exim" and isinstance(self.exim, Exim) else name
        )

    def inside(
        self, client: ClientPeer, server: ServerPeer, number: int
    ) -> tuple[list[Event], str]:
        """What a transcript has of the n-th connection, and whose transcript it is.

        Of the client if it writes any, else of the server, else nothing.
        """
        if isinstance(client, EximkitClient):
            for path in client.transcripts:
                events = _events(path)
                count = max((event.connection for event in events), default=0)
                if number <= count:
                    return of_connection(events, number), "client"
                number -= count
        elif isinstance(server, EximkitServer):
            return of_connection(_events(server.transcript), number), "server"
        return [], ""


def _events(path: Path) -> list[Event]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        return read(file, str(path))[1]
