"""TCP Fast Open at the server, in a network namespace where the kernel lets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import without

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = r"""
import json, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
with open("/proc/sys/net/ipv4/tcp_fastopen", "w") as setting:
    setting.write("3")
log = sys.argv[1]
server = subprocess.Popen(
    [sys.executable, "-m", "eximkit", "interop", "serve", "--tfo", "--format", "json",
     "--mainlog", log],
    stdout=subprocess.PIPE, text=True,
)
try:
    port = json.loads(server.stdout.readline())["port"]
    group = (b"EHLO c.example\r\nMAIL FROM:<s@a.example>\r\nRCPT TO:<r@b.example>\r\n"
             b"BDAT 3 LAST\r\nx\r\nQUIT\r\n")
    for _ in range(3):
        # The first of them fetches the cookie, and its octets follow the handshake.
        with socket.socket() as client:
            client.sendto(group, socket.MSG_FASTOPEN, ("127.0.0.1", port))
            got = b""
            while octets := client.recv(4096):
                got += octets
        assert got.startswith(b"220 ") and b"\r\n221 " in got, got
    told = {}
    for early in ("never", "auto"):
        run = subprocess.run(
            [sys.executable, "-m", "eximkit", "interop", "send", "--tfo", "--early",
             early, "--repeat", "3", "--to", f"127.0.0.1:{port}", "--rcpt",
             "r@b.example", "--cache", log + ".cache", "--format", "json"],
            stdout=subprocess.PIPE, text=True, check=True, timeout=60,
        )
        rows = json.loads(run.stdout)["deliveries"]
        told[early] = [row["round_trips"] for row in rows]
    # The cookie is there, and spares a round trip in each way of sending: the banner is
    # under way before the handshake is over. What is early begins with a first contact.
    assert told == {"never": [3, 3, 3], "auto": [3, 1, 1]}, told
finally:
    server.terminate()
    assert server.wait(60) == 0
"""


def test_data_in_the_syn_is_taken_and_logged(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")):
        without("needs root, unshare and ip: a namespace of its own")
    log = tmp_path / "mainlog"
    run = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", SCRIPT, log],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    arrivals = [line for line in log.read_text().splitlines() if " <= " in line]
    assert len(arrivals) == 9
    # With data in the SYN it is there before the banner, always.
    assert ["TFO*" in line for line in arrivals[:3]] == [False, True, True]
    for line in arrivals[1:3]:
        assert " H=(c.example) [127.0.0.1] TFO* P=esmtp L* K S=3" in line
