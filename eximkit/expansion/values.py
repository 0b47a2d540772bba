"""The values of the evaluator."""

from __future__ import annotations


class ExpansionFailed(Exception):
    """An expansion that has no value. forced: by the word `fail`, not by an error."""

    def __init__(self, message: str, forced: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.forced = forced
