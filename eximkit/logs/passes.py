"""All logs one after the other, as often as somebody wants to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.logs.reader import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.logs.chunks import Chunk
    from eximkit.logs.sources import Gathered, ReadProblem


class Passes:
    """Reads the logs that were gathered; called for each pass.

    problems: what could not be read. progress: is told how many octets of the files
    have been read in this pass, and of how many.
    """

    def __init__(
        self,
        found: Gathered,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self.problems: list[ReadProblem] = []
        self._found = found
        self._progress = progress

    @property
    def once(self) -> bool:
        """Whether there is something that can be read only once."""
        return any(source.head is not None for source in self._found.sources)

    def __call__(self) -> Iterator[Chunk]:
        problems: list[ReadProblem] = []
        total = self._found.octets
        done = 0

        def progress(octets: int) -> None:
            nonlocal done
            done += octets
            self._progress(min(done, total), total)

        for source in self._found.sources:
            for chunk in chunks(source, problems, progress=progress):
                if not chunk.overlong:
                    yield chunk
        # Each pass meets with the same problems.
        self.problems = problems
