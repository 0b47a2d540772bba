"""What workers of a cluster do: look at the logs, and count parts of them."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from eximkit.errors import EximkitError, InputError, SettingsError
from eximkit.logs.cluster.places import Place, is_url, matching, opened
from eximkit.logs.counting import Outcome, count
from eximkit.logs.ranges import Part, parts
from eximkit.logs.samples import SAMPLE
from eximkit.logs.sources import (
    Gathered,
    ReadProblem,
    Source,
    expanded,
    put_in_order,
    reason_of,
    recognised,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eximkit.logs.window import Window

_MARK = 256
"""So many octets at the beginning of a file tell it from the one that replaces it."""
_BEGINNING = 1 << 20
"""So many octets of a compressed file hold the first lines of its text."""


class Versions(NamedTuple):
    """What client and workers must have in common."""

    eximkit: str
    python: str

    @classmethod
    def here(cls, eximkit: str) -> Versions:
        return cls(eximkit, platform.python_version())

    def demand(self) -> None:
        """Raises SettingsError on a worker that has others."""
        from eximkit import __version__

        found = Versions.here(__version__)
        if self.differ(found):
            raise SettingsError(
                f"a worker on {platform.node()} runs {found}, and this is {self}: "
                "install the same on both"
            )

    def differ(self, other: Versions) -> bool:
        """Whether what one has written the other may misread."""
        series = [v.python.split(".")[:2] for v in (self, other)]
        return self.eximkit != other.eximkit or series[0] != series[1]

    def __str__(self) -> str:
        return f"eximkit {self.eximkit} on Python {self.python}"


class Task(NamedTuple):
    """Some of a log, to be counted. mark: how its file begins."""

    source: Source
    part: Part
    mark: bytes

    @property
    def key(self) -> str:
        """Tells it from all others of a run."""
        return f"{self.part.source}-{self.part.begin}-{self.part.end}"


@dataclass(slots=True)
class Survey:
    """The logs that were found, cut into tasks."""

    tasks: list[Task] = field(default_factory=list)
    problems: list[ReadProblem] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    octets: int = 0


def survey(
    paths: Sequence[str], year: int | None, size: int, versions: Versions
) -> Survey:
    """Find the logs, put them in order, and cut them where lines end.

    paths: files, patterns for files, URLs. year: as for `gather`. size: about how many
    octets a task has; compressed logs are one task each. Raises InputError where none
    can be read.
    """
    versions.demand()
    found = Gathered()
    cut: dict[str, list[Part]] = {}
    marks: dict[str, bytes] = {}
    seen: dict[tuple[int, int], str] = {}
    for path in _named(paths, found.problems):
        if path in cut:
            found.problems.append(
                ReadProblem(path, "given twice; read once", lost=False)
            )
            continue
        try:
            with opened(path) as place:
                source = _source(path, place, seen, found.problems, year)
                if source is None:
                    continue
                cut[path] = list(parts((source,), size, place.fetch))
                place.fetch(0, min(_MARK, source.end))
                marks[path] = os.pread(place.handle, min(_MARK, source.end), 0)
        except (EximkitError, OSError, ValueError) as error:
            found.problems.append(ReadProblem(path, reason_of(error)))
            continue
        source.handle = None
        found.sources.append(source)
    put_in_order(found)
    tasks = [
        Task(source, part._replace(source=source.number), marks[source.path])
        for source in found.sources
        for part in cut[source.path]
    ]
    # What takes longest is begun first: nobody then waits for it in the end.
    tasks.sort(key=lambda task: not task.source.codec)
    names = [source.path for source in found.sources]
    return Survey(tasks, found.problems, names, found.octets)


def counted(
    task: Task, wanted: frozenset[str], window: Window, versions: Versions
) -> Outcome:
    """What some of a log says; what of it cannot be read is among the problems."""
    versions.demand()
    outcome = Outcome()
    source, part, mark = task
    try:
        with opened(source.path) as place:
            place.fetch(0, len(mark))
            if os.pread(place.handle, len(mark), 0) != mark:
                raise InputError("was replaced before it could be read")  # noqa: TRY301
            place.fetch(part.begin, part.end)
            here = replace(source, handle=place.handle)
            count(outcome, here, part, wanted, window, lambda _octets: None)
    except (InputError, OSError) as error:
        outcome.problems.append(ReadProblem(source.path, reason_of(error)))
    return outcome


def _named(paths: Sequence[str], problems: list[ReadProblem]) -> Iterator[str]:
    for path in paths:
        if not is_url(path):
            yield from expanded([path], problems)
            continue
        names = []
        if any(sign in path for sign in "*?["):
            try:
                names = matching(path)
            except InputError as error:
                problems.append(ReadProblem(path, reason_of(error)))
                continue
            if not names:
                problems.append(ReadProblem(path, "no file matches"))
                continue
        yield from names or [path]


def _source(
    path: str,
    place: Place,
    seen: dict[tuple[int, int], str],
    problems: list[ReadProblem],
    year: int | None,
) -> Source | None:
    if not is_url(path):
        return recognised(path, place.handle, seen, problems, year)
    size = os.fstat(place.handle).st_size
    for begin in (0, size // 2, size - SAMPLE):
        start = max(0, begin)
        length = _BEGINNING if not begin else SAMPLE
        place.fetch(start, min(start + length, size))
    # The file that it is fetched into says nothing of which object it is.
    return recognised(
        path, place.handle, {}, problems, year, lambda: place.fetch(0, size)
    )
