"""What tests share: the corpora, the reference, a real Exim, and how long to look."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release

CHECKOUT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# In CI the same examples each time, so that a failure is the change's; elsewhere new
# ones, so that something new is found. Slow machines are no failure.
settings.register_profile("ci", derandomize=True, max_examples=100, deadline=None)
settings.register_profile("here", max_examples=50, deadline=None)
settings.load_profile("ci" if IN_CI else "here")


def without(what: str) -> NoReturn:
    """End a test that cannot run here: a skip for a user, a failure in CI."""
    if IN_CI:
        pytest.fail(f"{what} (and CI must have it)", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder with `helo-data/` and `exim-testsuite/`."""
    place = Path(os.environ.get("EXIMKIT_CORPUS") or CHECKOUT.parent / "shared/corpus")
    if not place.is_dir():
        without(f"no corpus at {place}: set EXIMKIT_CORPUS")
    return place


@pytest.fixture(scope="session")
def reference(corpus: Path) -> Path:
    """The folder with `config-probes.jsonl`, `expansion-probes.jsonl`, …"""
    place = corpus.parent / "reference"
    if not place.is_dir():
        without(f"no reference at {place}: it belongs beside the corpus")
    return place


@pytest.fixture(scope="session")
def exim() -> Path:
    """A real Exim, the judge of what Exim does."""
    found = shutil.which("exim4", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        without("no exim4: install Debian's exim4-daemon-heavy")
    return Path(found)


@pytest.fixture(scope="session")
def exim_as_root(exim: Path) -> Path:
    """A real Exim that shows what it has read: it does so to its administrators."""
    if os.geteuid() != 0:
        without("needs root: Exim shows its macros and its configuration to no other")
    return exim


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with `spool` and `log`, for an Exim that gives its rights away."""
    if os.geteuid() != 0:
        without("needs root: Exim writes its log as a user of its own")
    made = Path(tempfile.mkdtemp(prefix="eximkit-"))
    made.chmod(0o755)
    for name in ("spool", "log"):
        (made / name).mkdir()
        shutil.chown(made / name, "Debian-exim", "Debian-exim")
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def release() -> Release:
    """Exim 4.96, by which the corpora were decided."""
    from eximkit.catalog import release as named

    return named("4.96")


@pytest.fixture
def checkout() -> Path:
    """The top of the source tree."""
    return CHECKOUT
