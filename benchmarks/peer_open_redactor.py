"""open-redactor's own command line, offline. Runs in the interpreter in which it is installed.

    PYTHON benchmarks/peer_open_redactor.py YUNET ARGUMENT...

It wants OpenCV's export of YuNet, whose sha256 it checks, and fetches it at the first use. Where
that file is not in its cache it gets YUNET in its place, another export of the same network, and
this is said. Nothing else of it is touched, and nothing is fetched.
"""

import sys
from pathlib import Path


def give_weights(stand_in: str) -> None:
    """Let it find its network: its own file if that is there, or else ``stand_in``."""
    from open_redactor import yunet

    own = yunet.model_cache_path()
    if not yunet._hash_ok(own):
        print(f"open-redactor: {own.name} is not in its cache; it gets {Path(stand_in).name}")
        yunet.ensure_model = lambda: Path(stand_in)


if __name__ == "__main__":
    from open_redactor import cli

    give_weights(sys.argv[1])
    sys.exit(cli.main(sys.argv[2:]))
