"""TLS as a function of octets, for both sides: `ssl.MemoryBIO`, no socket.

    layer = client_layer(client_context(), "mx.example")
    write(layer.outgoing())                      # the ClientHello
    while not layer.established:
        layer.feed(octets_read)                  # raises TlsError
        write(layer.outgoing())

A socket that is wrapped would do what it likes with octets that have arrived already: a
ClientHello in one segment with STARTTLS is lost by asyncio's `start_tls` (CPython issue
142352), and Fast Open needs the ClientHello before there is a connection. Here whoever
drives the layer knows every octet.

What `outgoing` gives may be collected, and must be written before anything is waited
for: under TLS 1.3 a server's tickets are in it once the handshake is done.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit.errors import EximkitError, InputError, SettingsError

if TYPE_CHECKING:
    from os import PathLike

    File = str | PathLike[str]

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
"""What a context may be pinned to."""
_PIECE = 65536


class TlsError(EximkitError):
    """TLS did not come about, or broke off. reason: OpenSSL's word for it, or ""."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class TlsLayer:
    """One end of one TLS connection. Use `client_layer` or `server_layer`.

    established: the handshake is done. ended: the peer has said that it sends no more.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "established")

    def __init__(
        self,
        context: ssl.SSLContext,
        server_side: bool,
        name: str = "",
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._object = context.wrap_bio(
                self._incoming,
                self._outgoing,
                server_side=server_side,
                server_hostname=name or None,
                session=session,
            )
        except (ValueError, UnicodeError, ssl.SSLError) as error:
            raise SettingsError(f"no name for TLS: {name!r}: {error}") from None
        self.established = False
        self.ended = False

    def handshake(self) -> bool:
        """Go on with the handshake, by what has been fed. Whether it is done.

        Needed at the start only, for a client to speak first; `feed` does the rest.
        Raises TlsError; `outgoing` then has the alert for the peer.
        """
        if not self.established:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return False
            except ssl.SSLError as error:
                raise _told("handshake", error) from None
            self.established = True
        return True

    def feed(self, ciphertext: bytes) -> bytes:
        """Octets as read from the socket, and the plaintext that they bring.

        Goes on with the handshake first, as far as that is not done. Raises TlsError.
        """
        self._incoming.write(ciphertext)
        if not self.handshake():
            return b""
        found = []
        try:
            while not self.ended:
                octets = self._object.read(_PIECE)
                if not octets:
                    self.ended = True
                    break
                found.append(octets)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            # What came whole before it counts; the next call will tell.
            if not found:
                raise _told("connection", error) from None
        return found[0] if len(found) == 1 else b"".join(found)

    def write(self, plaintext: bytes) -> None:
        """Encrypt. The handshake must be done. Raises TlsError."""
        if not plaintext:
            return
        try:
            # A MemoryBIO takes everything at once, whatever its size.
            self._object.write(plaintext)
        except ssl.SSLError as error:
            raise _told("connection", error) from None

    def outgoing(self) -> bytes:
        """Octets for the socket, each of them given once."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close(self) -> None:
        """Say that nothing more is sent: `outgoing` has the close_notify."""
        # It wants the peer's, which nobody waits for; or there was no handshake.
        with suppress(ssl.SSLError):
            self._object.unwrap()

    @property
    def version(self) -> str:
        """Such as "TLSv1.3"; "" before the handshake."""
        return self._object.version() or ""

    @property
    def cipher(self) -> str:
        """The cipher suite, by OpenSSL's name; "" before the handshake."""
        known = self._object.cipher()
        return known[0] if known else ""

    @property
    def bits(self) -> int:
        """Of the key that is in use; 0 before the handshake."""
        known = self._object.cipher()
        return known[2] if known else 0

    @property
    def suite(self) -> str:
        """As Exim has it behind X=: TLS1.3:TLS_AES_256_GCM_SHA384:256."""
        return f"{self.version.replace('TLSv', 'TLS')}:{self.cipher}:{self.bits}"

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was taken up again."""
        return bool(self._object.session_reused)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a client takes the session up again with, in the same context.

        Under TLS 1.3 it is there only when something was read after the handshake.
        """
        return self._object.session

    @property
    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER, if it showed one."""
        return self._object.getpeercert(binary_form=True)


def client_layer(
    context: ssl.SSLContext, name: str = "", session: ssl.SSLSession | None = None
) -> TlsLayer:
    """A client's end. name: for SNI, and to be checked where the context checks names.

    An address literal is checked, and is not sent. Raises SettingsError.
    """
    return TlsLayer(context, False, name, session)


def server_layer(context: ssl.SSLContext) -> TlsLayer:
    """A server's end."""
    return TlsLayer(context, True)


def client_context(
    version: str = "", ca: File | None = None, verify: bool = False, names: bool = True
) -> ssl.SSLContext:
    """How to talk TLS to servers.

    version: "1.2" or "1.3" and no other; "" for either. ca: a file of certificates to
    trust, in place of the system's. verify: whether a certificate that is not trusted
    ends the connection; without it anyone is talked to, as mail between hosts does.
    names: when verifying, the certificate must have the name, too. Raises InputError
    for a file that cannot be used, SettingsError for a version that there is not.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _pin(context, version)
    context.check_hostname = verify and names
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"{ca}: {_unusable(error, 'certificates')}") from None
    elif verify:
        context.load_default_certs()
    return context


def server_context(
    certificate: File, key: File | None = None, version: str = "", tickets: bool = True
) -> ssl.SSLContext:
    """How to talk TLS to clients.

    certificate: a PEM file with the server's certificate first. key: the file of its
    private key, without a password; None if it is in the same file. version: as for
    `client_context`. tickets: whether sessions may be resumed; the keys of tickets are
    the context's, and are shared with processes that are forked later. Raises
    InputError, SettingsError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _pin(context, version)
    load(context, certificate, key)
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    return context


def load(context: ssl.SSLContext, certificate: File, key: File | None = None) -> None:
    """Let a context show this certificate. Raises InputError."""
    try:
        # Without a password here OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=_no_password)
    except FileNotFoundError as error:
        raise InputError(_missing(certificate, key, error)) from None
    except (OSError, ssl.SSLError, ValueError) as error:
        at = certificate if key is None else f"{certificate}, {key}"
        fault = _unusable(error, "a certificate and its key")
        raise InputError(f"{at}: {fault}") from None


def _no_password() -> str:
    raise ValueError("the key needs a password")


def _missing(certificate: File, key: File | None, error: OSError) -> str:
    """Which of two files is not there: OpenSSL does not say."""
    for name in (certificate, key):
        if name is not None:
            try:
                Path(name).open("rb").close()
            except OSError as found:
                return f"{name}: {found.strerror}"
    return f"{certificate}: {error.strerror}"


def _unusable(error: Exception, what: str) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        return f"cannot be used as {what}: {reason or 'not PEM'}"
    return getattr(error, "strerror", None) or str(error)


def _pin(context: ssl.SSLContext, version: str) -> None:
    if version == "":
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return
    if version not in VERSIONS:
        known = " and ".join(VERSIONS)
        raise SettingsError(f"no TLS version {version!r}; there are {known}")
    context.minimum_version = context.maximum_version = VERSIONS[version]


_CAUSES = {
    "WRONG_VERSION_NUMBER": "the peer does not talk TLS, or no version of it in common",
    "HTTP_REQUEST": "the peer talks HTTP",
    "UNSUPPORTED_PROTOCOL": "no TLS version in common",
    "NO_SHARED_CIPHER": "no cipher in common",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was closed within TLS",
}
"""OpenSSL's reason -> what it means to who reads it."""


def _told(what: str, error: ssl.SSLError) -> TlsError:
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = f"the certificate is not accepted: {error.verify_message}"
    else:
        cause = _CAUSES.get(reason) or reason.replace("_", " ").lower() or str(error)
    return TlsError(f"TLS {what} failed: {cause}", reason)
