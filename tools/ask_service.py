"""Use a running service as a browser and a program would.

    python tools/ask_service.py ADDRESS PICTURE RESULT TOKEN

Waits until it answers, loads the page with all that it names, and has a picture obscured. Needs
nothing but Python.
"""

from __future__ import annotations

import re
import sys
import time
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PATIENCE = 60.0


def ask(address: str, token: str | None, data: bytes | None = None) -> tuple[bytes, str | None]:
    """The answer of the service, and the number of faces it covered."""
    asked = Request(address, data, {"Content-Type": "image/jpeg"} if data else {})
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    with urlopen(asked, timeout=PATIENCE) as answer:
        return answer.read(), answer.headers["FaceVeil-Faces"]


def wait(address: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            ask(f"{address}/healthz", None)
            return
        except HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _status(address: str, data: bytes) -> int:
    """The status of the answer to a request without a token."""
    try:
        ask(f"{address}/api/veil", None, data)
    except HTTPError as error:
        return error.code
    return HTTPStatus.OK


def main(address: str, picture: str, result: str, token: str) -> None:
    wait(address)
    page = ask(f"{address}/", token)[0].decode()
    named = sorted(set(re.findall(r'(?:src|href)="(/[^"]+)"', page)))
    assert named, page
    for path in named:
        assert ask(address + path, token)[0], path
    data = Path(picture).read_bytes()
    if _status(address, data) != HTTPStatus.UNAUTHORIZED:
        sys.exit("answered without a token")
    veiled, faces = ask(f"{address}/api/veil", token, data)
    Path(result).write_bytes(veiled)
    print(f"the page and {len(named)} files of it; {faces} faces covered by the service")


if __name__ == "__main__":
    main(*sys.argv[1:])
