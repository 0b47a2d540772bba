"""The results of scenarios for people, in 80 columns. Not an interface."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from eximkit.interop.result import Verdict, summary
from eximkit.report.interop_diagram import diagram
from eximkit.report.logs_figures import PAGE, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.interop.result import ScenarioResult, Trips
    from eximkit.interop.scenario import Scenario
    from eximkit.report.style import Style

_COUNTED = {
    "stopwatch": (
        "Round trips by stopwatch: from the SYN to the first octet of content, median."
    ),
    "dialogue": (
        "Round trips of the dialogue: one-way trips of SMTP before the first content, "
        "halved; TCP's and TLS's handshakes do not count."
    ),
}

_TAKEN = (
    "taken: from the SYN to the reply that accepts an early message, where TLS does "
    "not hide it."
)
_FIELDS = "L fields of early messages in the logs: of the client/of the server."

_BRACKETS = (
    "[…]: data under TLS, as a transcript of eximkit's has it; its octets where both "
    "ends are Exim."
)

_FAILED = "failed "


def report(
    results: Sequence[ScenarioResult], style: Style, *, diagrams: bool = False
) -> Iterator[str]:
    """A table for each pairing, then what failed, what was skipped, and the count."""
    ran = [result for result in results if result.ran]
    drawn = ran if diagrams else []
    for result in drawn:
        yield from diagram(result, style)
    key = _pairing
    for title, rows in groupby(sorted(ran, key=key), key=key):
        yield style.paint("bold", title) + "\n"
        yield from (line + "\n" for line in _rows(list(rows)))
        yield "\n"
    counted = {t.counted for result in ran for t in result.trips[:1]}
    for name in sorted(counted):
        yield from _note(_COUNTED[name])
    if any(result.accepted for result in ran):
        yield from _note(_TAKEN)
    if counted:
        yield from _note(_FIELDS)
    texts = (row.text for r in drawn for drawing in r.drawings for row in drawing.rows)
    if any("[" in text for text in texts):
        yield from _note(_BRACKETS)
    yield from _faults(ran, style)
    yield from _skipped([result for result in results if not result.ran])
    counts = summary(results)
    yield ", ".join(f"{n} {outcome}" for outcome, n in counts.items()) + "\n"


def _pairing(result: ScenarioResult) -> str:
    pair = result.pairing
    link = f"{pair.link} link" if pair.link != "loopback" else "loopback"
    far = f", {pair.rtt * 1000:g} ms" if pair.rtt else ""
    return f"{pair.client} to {pair.server}: {link}{far}"


_TIMED = ("scenario", "", "plain", "early", "saved", "taken", "L fields")
_UNTIMED = ("scenario", "", "client", "server")
"""Heads of the columns; the second where no round trips were counted."""


def _rows(results: list[ScenarioResult]) -> Iterator[str]:
    if any(result.trips for result in results):
        yield from table([_timed(r) for r in results], _TIMED, "<<>>>><")
    else:
        rows = [(r.scenario, _outcome(r), *_forms(r)) for r in results]
        yield from table(rows, _UNTIMED, "<<<<")


def _timed(result: ScenarioResult) -> tuple[str, ...]:
    taken = result.accepted
    return (
        result.scenario,
        _outcome(result),
        *_figures(result.trips[0] if result.trips else None),
        "" if taken is None else f"{taken.early:.2f}",
        "/".join(_forms(result)),
    )


def _outcome(result: ScenarioResult) -> str:
    often = f" x{result.attempts}" if result.attempts > 1 else ""
    return f"{result.outcome.value}{often}"


def _forms(result: ScenarioResult) -> tuple[str, str]:
    """The L fields in the logs of client and server."""
    return (
        " ".join(form or "-" for form in result.client_forms),
        " ".join(form or "-" for form in result.server_forms),
    )


def _figures(trips: Trips | None) -> tuple[str, str, str]:
    if trips is None:
        return "", "", ""
    return f"{trips.pipelining:.2f}", f"{trips.early:.2f}", f"{trips.saved:.2f}"


def _faults(results: list[ScenarioResult], style: Style) -> Iterator[str]:
    for result in results:
        if result.outcome is Verdict.FAILED:
            pair = result.pairing
            title = f"{_FAILED}{result.scenario}, {pair.client} to {pair.server}: "
            text = textwrap.fill(
                title + (result.reason or ""), PAGE, subsequent_indent="  ",
                break_on_hyphens=False,
            )  # fmt: skip
            yield style.paint("error", _FAILED) + text.removeprefix(_FAILED) + "\n"
    repeated = [result for result in results if result.attempts > 1]
    if repeated:
        yield from _note(
            f"x2, x3: measured again and alone, for the machine was busy "
            f"({len(repeated)} of {len(results)})."
        )


def _skipped(results: list[ScenarioResult]) -> Iterator[str]:
    for reason, rows in groupby(
        sorted(results, key=lambda r: r.reason or ""), key=lambda r: r.reason or ""
    ):
        names = dict.fromkeys(row.scenario for row in rows)
        yield from _note(f"skipped, {reason}: {', '.join(names)}")


def _note(text: str) -> Iterator[str]:
    for line in textwrap.wrap(
        text, PAGE, initial_indent="= ", subsequent_indent="  ",
        break_on_hyphens=False,
    ):  # fmt: skip
        yield line + "\n"


def listing(scenarios: Sequence[Scenario]) -> Iterator[str]:
    """The scenarios that there are, with what each shows.

    Variants that show the same are named below the first.
    """
    rows = [(kind, name, text) for kind, name, text in _listed(scenarios)]
    width = max((len(name) for _, name, _ in rows), default=0)
    for kind, group in groupby(rows, key=lambda row: row[0]):
        yield f"{kind}\n"
        for _, name, text in group:
            first, *more = textwrap.wrap(text, PAGE - width - 4) or [""]
            yield f"  {name:<{width}}  {first}\n"
            yield from (f"  {'':<{width}}  {line}\n" for line in more)
        yield "\n"


def _listed(scenarios: Sequence[Scenario]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and text of each row."""
    for (kind, shows), each in groupby(scenarios, key=lambda s: (s.kind, s.shows)):
        first, *others = [scenario.name for scenario in each]
        endings = [name.removeprefix(first) for name in others]
        also = f" (also {', '.join(endings)})" if endings else ""
        yield kind.value, first, shows + also
