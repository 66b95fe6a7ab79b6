"""``python -m faceveil``."""

from __future__ import annotations

from faceveil.cli import main

if __name__ == "__main__":
    main()
