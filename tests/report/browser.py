"""A real Chromium without a window, driven over a pipe (Chrome DevTools protocol)."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 90.0
"""Seconds that an answer may take on a busy machine."""
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-crash-reporter", "--disable-extensions",
    "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One page of a browser; what it asks for and complains of is kept.

    requests: the URLs that it wanted. complaints: of the console and of the loader.
    """

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session = ""
        self._events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def attach(self) -> None:
        """Take hold of a new page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Do something, and wait for its result."""
        number = next(self._numbers)
        message: dict[str, Any] = {
            "id": number, "method": method, "params": parameters,
        }  # fmt: skip
        if self._session:
            message["sessionId"] = self._session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._write, text) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self._keep(answer)

    def open(self, page: Path) -> None:
        """Show a file, and wait until all of it is there."""
        self.requests.clear()
        self.complaints.clear()
        self._events.clear()
        result = self.call("Page.navigate", url=page.as_uri())
        assert "errorText" not in result, result
        while not any(e["method"] == "Page.loadEventFired" for e in self._events):
            self._keep(self._next())
        # What a page does right after it has been loaded is noticed, too.
        self.value("new Promise(done => requestAnimationFrame(() => done(1)))")

    def look(
        self, width: int, height: int = 800, *, dark: bool = False, paper: bool = False
    ) -> None:
        """The size of the window in CSS pixels, and what the page is shown on."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call(
            "Emulation.setEmulatedMedia", media="print" if paper else "",
            features=[scheme],
        )  # fmt: skip

    def value(self, expression: str) -> Any:
        """What JavaScript of ours finds in the page."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True,
            awaitPromise=True,
        )  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def picture(self) -> bytes:
        """The whole page, as PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        return base64.b64decode(data)

    def paper(self) -> bytes:
        """The page as printed, as PDF."""
        found = self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27,
                          paperHeight=11.69, printBackground=False)  # fmt: skip
        return base64.b64decode(found["data"])

    def _keep(self, event: dict[str, Any]) -> None:
        if "method" not in event:
            return
        self._events.append(event)
        parameters = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event["method"] == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif event["method"] in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                 "Page.javascriptDialogOpening"}:  # fmt: skip
            self.complaints.append(json.dumps(parameters))

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            ready, _, _ = select.select([self._read], [], [], max(left, 0))
            assert ready, "Chromium says nothing"
            piece = os.read(self._read, 1 << 20)
            assert piece, "Chromium is gone"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextmanager
def chromium(program: str, profile: Path) -> Iterator[Browser]:
    """A browser that is gone afterwards. profile: an empty directory for its files."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # The protocol wants exactly these numbers; the shell puts the pipes there.
    script = f'exec 8<&{to_read} 9>&{from_write}; exec "$0" "$@" 3<&8 4>&9 8<&- 9>&-'
    process = subprocess.Popen(
        ["bash", "-c", script, program, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(to_read, from_write), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(to_read)
    os.close(from_write)
    try:
        browser = Browser(from_read, to_write)
        browser.attach()
        yield browser
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        os.close(from_read)
        os.close(to_write)
