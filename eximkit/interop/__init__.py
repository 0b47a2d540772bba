"""SMTP over real sockets: the two sides of early pipelining, run and measured.

    result = await eximkit.interop.run("clear-data", server="exim")
    if result.outcome is eximkit.interop.Verdict.PASSED:
        print(result.trips[0].early, result.client_forms)

What is in `__all__` is the public interface; it is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.interop.result import ScenarioResult, Verdict
    from eximkit.interop.runner import run

__all__ = ["ScenarioResult", "Verdict", "run"]

_HOMES = {"ScenarioResult": "result", "Verdict": "result", "run": "runner"}


def __getattr__(name: str) -> object:
    """The public name `name`, imported now (PEP 562)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'eximkit.interop' has no attribute {name!r}")
    value: object = getattr(import_module(f"eximkit.interop.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
