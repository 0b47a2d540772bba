from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from eximkit.errors import InputError, SettingsError
from eximkit.interop import certs, tls
from eximkit.interop.tls import TlsError, TlsLayer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def cert() -> certs.ThrowAway:
    return certs.throw_away("mx.example", "127.0.0.1", "::1")


@pytest.fixture
def ca(cert: certs.ThrowAway, tmp_path: Path) -> str:
    return str(cert.write_authority(tmp_path))


def shake(client: TlsLayer, server: TlsLayer, piece: int = 1 << 20) -> int:
    """Join two ends; how many times the client had to wait for the server."""
    client.handshake()
    waits = 0
    while not (client.established and server.established):
        for octets in cut(client.outgoing(), piece):
            assert server.feed(octets) == b""
        answer = server.outgoing()
        waits += not client.established
        for octets in cut(answer, piece):
            assert client.feed(octets) == b""
        assert waits < 10
    server.feed(client.outgoing())
    client.feed(server.outgoing())
    return waits


def cut(octets: bytes, piece: int) -> list[bytes]:
    return [octets[at : at + piece] for at in range(0, len(octets), piece)]


@pytest.mark.parametrize(("version", "waits"), [("1.2", 2), ("1.3", 1)])
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_both_ends(cert: certs.ThrowAway, version: str, waits: int, piece: int) -> None:
    client = tls.client_layer(tls.client_context(version), "mx.example")
    server = tls.server_layer(cert.context())
    assert (client.version, client.cipher, client.bits) == ("", "", 0)
    assert shake(client, server, piece) == waits
    for end in (client, server):
        assert end.version == f"TLSv{version}"
        assert end.suite == f"TLS{version}:{end.cipher}:{end.bits}"
        assert end.bits in (128, 256)
        assert not end.resumed
    assert client.peer_certificate
    assert server.peer_certificate is None
    for one, other in ((client, server), (server, client)):
        one.write(b"x" * 100_000)
        one.write(b"")
        got = b"".join(other.feed(octets) for octets in cut(one.outgoing(), 4096))
        assert got == b"x" * 100_000
    client.close()
    assert server.feed(client.outgoing()) == b""
    assert server.ended
    server.close()
    client.feed(server.outgoing())
    assert client.ended


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tickets", [True, False])
def test_resumption(cert: certs.ThrowAway, version: str, tickets: bool) -> None:
    ours = tls.client_context(version)
    theirs = cert.context(tickets=tickets)
    session = None
    found = []
    for _ in range(2):
        client = tls.client_layer(ours, "mx.example", session)
        server = tls.server_layer(theirs)
        shake(client, server)
        session = client.session
        found.append((client.resumed, server.resumed))
    assert found == [(False, False), (tickets, tickets)]


def test_a_certificate_that_is_verified(cert: certs.ThrowAway, ca: str) -> None:
    context = tls.client_context(ca=ca, verify=True)
    for name in ("mx.example", "127.0.0.1", "::1"):
        shake(tls.client_layer(context, name), tls.server_layer(cert.context()))
    with pytest.raises(TlsError, match=r"not accepted: .*mismatch"):
        shake(
            tls.client_layer(context, "other.example"), tls.server_layer(cert.context())
        )
    other = tls.client_context(ca=ca, verify=True, names=False)
    shake(tls.client_layer(other, "other.example"), tls.server_layer(cert.context()))
    unknown = tls.client_context(verify=True)
    with pytest.raises(TlsError, match="certificate is not accepted"):
        shake(tls.client_layer(unknown, "mx.example"), tls.server_layer(cert.context()))


def test_no_version_in_common(cert: certs.ThrowAway) -> None:
    client = tls.client_layer(tls.client_context("1.2"))
    server = tls.server_layer(cert.context("1.3"))
    client.handshake()
    with pytest.raises(TlsError, match="no TLS version in common") as error:
        server.feed(client.outgoing())
    assert error.value.reason == "UNSUPPORTED_PROTOCOL"
    with pytest.raises(TlsError, match=r"handshake failed: .*protocol version"):
        client.feed(server.outgoing())


@pytest.mark.parametrize("octets", [b"EHLO c.example\r\n", b"GET / HTTP/1.0\r\n\r\n"])
def test_no_tls_at_all(cert: certs.ThrowAway, octets: bytes) -> None:
    server = tls.server_layer(cert.context())
    with pytest.raises(TlsError, match="the peer"):
        server.feed(octets)
    client = tls.client_layer(tls.client_context())
    client.handshake()
    with pytest.raises(TlsError, match="does not talk TLS"):
        client.feed(b"220 mx.example ESMTP\r\n")


def test_octets_that_were_changed(cert: certs.ThrowAway) -> None:
    client = tls.client_layer(tls.client_context())
    server = tls.server_layer(cert.context())
    shake(client, server)
    client.write(b"one")
    good = client.outgoing()
    client.write(b"two")
    bad = bytearray(client.outgoing())
    bad[-1] ^= 1
    assert server.feed(good + bad) == b"one"
    with pytest.raises(TlsError, match="TLS connection failed"):
        server.feed(b"")


def test_closing_before_there_is_a_connection(cert: certs.ThrowAway) -> None:
    server = tls.server_layer(cert.context())
    server.close()
    assert not server.established


def test_settings_that_cannot_be() -> None:
    with pytest.raises(SettingsError, match=r"no TLS version '1\.1'"):
        tls.client_context("1.1")
    with pytest.raises(SettingsError, match="no name for TLS"):
        tls.client_layer(tls.client_context(), "a" * 300)
    with pytest.raises(SettingsError, match="no name for a certificate"):
        certs.throw_away("a..b")


def test_files_that_cannot_be_used(cert: certs.ThrowAway, tmp_path: Path) -> None:
    whole = cert.write(tmp_path)
    missing, junk = tmp_path / "none.pem", tmp_path / "junk.pem"
    junk.write_text("not PEM\n")
    with pytest.raises(InputError, match=r"none\.pem: No such file"):
        tls.server_context(missing)
    with pytest.raises(InputError, match=r"none\.pem: No such file"):
        tls.server_context(whole, missing)
    with pytest.raises(InputError, match=r"junk\.pem: cannot be used"):
        tls.server_context(junk)
    with pytest.raises(InputError, match=r"junk\.pem: cannot be used"):
        tls.client_context(ca=junk)
    with pytest.raises(InputError, match=r"none\.pem: No such file"):
        tls.client_context(ca=missing)
    with pytest.raises(InputError, match=r"a directory|cannot be used"):
        tls.server_context(tmp_path)
    other = certs.throw_away("other.example").write(tmp_path, "other.pem")
    with pytest.raises(InputError, match="key values mismatch"):
        tls.server_context(whole, other)


def test_a_key_with_a_password_is_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ED25519", "-aes256", "-pass", "pass:x",
         "-out", path],
        check=True, capture_output=True,
    )  # fmt: skip
    cert = certs.throw_away().write(tmp_path)
    with pytest.raises(InputError, match="needs a password"):
        tls.server_context(cert, path)


def test_what_is_on_the_disk_is_private(cert: certs.ThrowAway, tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    assert cert.write(tmp_path) == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert "key" not in repr(cert)
    assert isinstance(tls.server_context(path), ssl.SSLContext)
