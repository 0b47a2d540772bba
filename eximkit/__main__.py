"""`python -m eximkit`."""

from __future__ import annotations

from eximkit.cli import main

if __name__ == "__main__":
    main()
