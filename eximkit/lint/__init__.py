"""Findings about configurations: rules, the engine that runs them, fixes.

The package can be called: `eximkit.lint(config)` is `eximkit.lint.engine.lint(config)`.
A sub-package and a function of one name cannot both be attributes of `eximkit`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.lint.finding import Finding


class _CallablePackage(ModuleType):
    def __call__(
        self,
        config: Config,
        release: Release | None = None,
        *,
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
    ) -> list[Finding]:
        """The findings of a configuration; see `eximkit.lint.engine.lint`."""
        from eximkit.lint.engine import lint

        return lint(config, release, select=select, ignore=ignore)


sys.modules[__name__].__class__ = _CallablePackage
