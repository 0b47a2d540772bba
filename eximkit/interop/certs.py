"""Throw-away certificates: an authority that lives as long as a test does.

Elliptic curves, for RSA adds milliseconds to each handshake. The authority's key is
never on the disk; a server's is, for the moment in which OpenSSL reads it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit.errors import SettingsError
from eximkit.interop import tls

if TYPE_CHECKING:
    import ssl

DAYS = 30
"""How long the certificates are valid."""


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """A server's certificate in PEM, its key, and the authority that vouches for it."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes

    def context(self, version: str = "", tickets: bool = True) -> ssl.SSLContext:
        """A server's context, as by `tls.server_context`."""
        with tempfile.TemporaryDirectory(prefix="eximkit-") as directory:
            path = self.write(Path(directory))
            return tls.server_context(path, version=version, tickets=tickets)

    def write(self, directory: Path, name: str = "server.pem") -> Path:
        """Write certificate and key into one private file; its path."""
        return _private(directory / name, self.key + self.certificate)

    def write_authority(self, directory: Path, name: str = "ca.pem") -> Path:
        """Write what a client is to trust into a file; its path."""
        return _private(directory / name, self.authority)


def throw_away(*names: str) -> ThrowAway:
    """A certificate for these names and addresses, by an authority of its own.

    names: host names and address literals without brackets; localhost if there are
    none. Raises SettingsError for what is no name.
    """
    from datetime import UTC, datetime, timedelta

    import trustme

    authority = trustme.CA(organization_name="eximkit, for tests only")
    names = names or ("localhost",)
    try:
        issued = authority.issue_cert(
            *names,
            common_name=names[0][:64],
            not_after=datetime.now(UTC) + timedelta(days=DAYS),
        )
    except (ValueError, UnicodeError) as error:
        raise SettingsError(f"no name for a certificate: {error}") from None
    return ThrowAway(
        b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        issued.private_key_pem.bytes(),
        authority.cert_pem.bytes(),
    )


def _private(path: Path, octets: bytes) -> Path:
    path.touch(0o600, exist_ok=False)
    path.write_bytes(octets)
    return path
