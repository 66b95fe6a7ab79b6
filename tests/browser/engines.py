"""Browsers with other engines than Chromium's, by the WebDriver commands that both of them know.

Playwright's own builds of them are no packages of anybody's system; these are what people run.
Firefox hears the commands itself (Marionette), WebKit through WebKitWebDriver. Neither asks for
anything over the network but what it is told to open.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from browser.hands import ASK, PROBES, RULES
from servers import PATIENCE, free_port, wait_for

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name that WebDriver gives to a reference to an element."""

_COMMANDS = {
    "Navigate": "url",
    "ExecuteAsyncScript": "execute/async",
    "FindElement": "element",
    "ElementClick": "element/{id}/click",
    "PerformActions": "actions",
    "SetWindowRect": "window/rect",
    "TakeScreenshot": "screenshot",
}
"""Names of commands as Marionette has them -> their addresses in WebDriver."""

KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Space": " ",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Right": "\ue014",
    "Delete": "\ue017",
}


class Engine:
    """One open window.

    Attributes:
        name: "firefox" or "webkit".
        narrowest: CSS pixels that it must be wide at least.
        downloads: the folder where files that are downloaded arrive.
    """

    def __init__(self, name: str, folder: Path, narrowest: int) -> None:
        self.name = name
        self.narrowest = narrowest
        self.folder = folder
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)

    def ask(self, command: str, **parameters: Any) -> Any:
        """The result of one of the commands above."""
        raise NotImplementedError

    def complaints(self) -> list[str]:
        """Errors and warnings that the browser has about the page."""
        raise NotImplementedError

    def go(self, address: str) -> None:
        self.ask("Navigate", url=address)

    def run(self, expression: str, *arguments: Any) -> Any:
        """The value of an expression of JavaScript, awaited; ``given`` are the arguments.

        What goes wrong in it is raised as the page's own words.
        """
        script = f"""
            const given = [...arguments], done = given.pop();
            (async () => ({expression}))().then((value) => done({{ value: value ?? null }}),
              (error) => done({{ error: String(error) }}));"""
        told = self.ask("ExecuteAsyncScript", script=script, args=list(arguments))
        if told is None:  # the page went on to another meanwhile
            return None
        assert "error" not in told, told["error"]
        return told["value"]

    def probe(self, name: str, argument: Any = None) -> Any:
        """The result of one of the functions of probes.js."""
        return self.run(f"({PROBES.strip()}).{name}(given[0])", argument)

    def count(self, css: str) -> int:
        return int(self.run("document.querySelectorAll(given[0]).length", css))

    def text(self, css: str) -> str:
        return str(self.run("document.querySelector(given[0])?.textContent ?? ''", css))

    def wait(self, css: str) -> None:
        """Until something of that kind is shown."""
        shown = "[...document.querySelectorAll(given[0])].some((node) => node.checkVisibility())"
        refused = ""

        def is_shown() -> bool:
            nonlocal refused
            try:
                return bool(self.run(shown, css))
            except AssertionError as error:  # the page is on its way
                refused = str(error)
                return False

        try:
            wait_for(is_shown, PATIENCE)
        except AssertionError:
            raise AssertionError(f"{self.name} shows no {css} {refused}") from None

    def barriers(self, axe: str) -> list[str]:
        """Violations of WCAG 2.2 AA that axe finds, see `hands.barriers`."""
        return list(self.run(f"(async () => {{ {axe}\n; return ({ASK})(given[0]) }})()", RULES))

    def reload(self) -> None:
        self.run("void (window.left = true, location.reload())")
        wait_for(lambda: self.run("!window.left && document.readyState === 'complete'"))

    def drop(self, files: Mapping[str, bytes]) -> None:
        """Let go of files over the zone."""
        contents = [base64.b64encode(content).decode() for content in files.values()]
        self.probe("drop", [list(files), contents])

    def click(self, css: str) -> None:
        self.wait(css)
        self.ask("ElementClick", id=self._element(css))

    def choose(self, css: str, value: str) -> None:
        """An option of a list, which no browser holds to be visible in itself."""
        self.ask("ElementClick", id=self._element(f'{css} option[value="{value}"]'))

    def press(self, *keys: str) -> None:
        """Keys by their names, or as letters, for whatever has the focus."""
        steps = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self.ask("PerformActions", actions=[{"type": "key", "id": "keys", "actions": steps}])

    def drag(self, css: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """With the mouse over an element, from and to shares of its width and height."""
        x, y, width, height = self.run(
            "(({ x, y, width, height }) => [x, y, width, height])"
            "(document.querySelector(given[0]).getBoundingClientRect())",
            css,
        )
        ways = [start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end]
        moves: list[dict[str, Any]] = [
            {
                "type": "pointerMove",
                "duration": 0,
                "origin": "viewport",
                "x": round(x + across * width),
                "y": round(y + down * height),
            }
            for across, down in ways
        ]
        press, release = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.ask(
            "PerformActions", actions=[{**mouse, "actions": [moves[0], press, *moves[1:], release]}]
        )

    def resize(self, width: int, height: int) -> None:
        """Make what is seen of the page so wide, or as narrow as the browser can."""
        self.ask("SetWindowRect", width=width, height=height)
        wanted = max(width, self.narrowest)
        wait_for(lambda: abs(self.run("innerWidth") - wanted) <= 2)

    def look(self, name: str) -> None:
        """Save what it looks like in the folder FACEVEIL_SCREENSHOTS, for people to see."""
        if folder := os.environ.get("FACEVEIL_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            picture = base64.b64decode(self.ask("TakeScreenshot"))
            (Path(folder) / f"{self.name} {name}.png").write_bytes(picture)

    def downloaded(self, name: str) -> bytes:
        """A file, once it has arrived."""
        path = self.downloads / name
        wait_for(lambda: path.is_file() and path.stat().st_size and not self._arriving())
        return path.read_bytes()

    def _arriving(self) -> bool:
        return any(path.suffix in {".part", ".wkdownload"} for path in self.downloads.iterdir())

    def _element(self, css: str) -> str:
        found = self.ask("FindElement", using="css selector", value=css)
        return str(found[_ELEMENT])


class _Firefox(Engine):
    """Its commands go as JSON with their length before them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__("firefox", folder, 360)
        profile = folder / "profile"
        profile.mkdir()
        settings = {
            "marionette.port": 0,
            "browser.download.folderList": 2,
            "browser.download.dir": str(self.downloads),
            # Neither a panel nor what was downloaded is to take the keys.
            "browser.download.alwaysOpenPanel": False,
            "pdfjs.disabled": True,
            "media.navigator.streams.fake": True,
            "media.navigator.permission.disabled": True,
            "intl.accept_languages": "en-GB",
        }
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(settings[name])});" for name in settings
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [required("firefox-esr", "firefox"), "--headless", "--no-remote", "--marionette"]
        command += ["--remote-allow-system-access", "--profile", str(profile)]
        stack.enter_context(program(command, HOME=str(folder)))
        port = profile / "MarionetteActivePort"
        wait_for(lambda: port.is_file() and port.read_text())
        self._socket = stack.enter_context(
            socket.create_connection(("127.0.0.1", int(port.read_text())), PATIENCE)
        )
        self._number = 0
        self._hear()  # it says who it is
        self.ask("NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": 180_000}}})
        # A window with all its bars is never as narrow as a phone; one that a page opens may be.
        old = self.ask("GetWindowHandles")
        self.run("void open('about:blank', '', 'width=1280,height=900')")
        wait_for(lambda: len(self.ask("GetWindowHandles")) == 2)
        (new,) = set(self.ask("GetWindowHandles")) - set(old)
        self.ask("SwitchToWindow", handle=new)

    def ask(self, command: str, **parameters: Any) -> Any:
        return self._ask(f"WebDriver:{command}", parameters)

    def _ask(self, command: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        said = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(said), said))
        _, _, error, result = self._hear()
        assert error is None, error
        return result["value"] if set(result) == {"value"} else result

    def _hear(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._socket.recv(1)
        heard = b""
        while len(heard) < int(length[:-1]):
            heard += self._socket.recv(int(length[:-1]) - len(heard))
        return json.loads(heard)

    def complaints(self) -> list[str]:
        self._ask("Marionette:SetContext", {"value": "chrome"})
        script = """return Services.console.getMessageArray()
          .filter((one) => one instanceof Ci.nsIScriptError && one.sourceName.startsWith("http"))
          .map((one) => `${one.errorMessage} ${one.sourceName}:${one.lineNumber}`);"""
        found = self.ask("ExecuteScript", script=script, args=[])
        self._ask("Marionette:SetContext", {"value": "content"})
        # Firefox ends the stream of events before it tells the page that it is left, and says so.
        return [one for one in found if not ("/api/events" in one and "was interrupted" in one)]


class _WebKit(Engine):
    """WebKit in the plain window that comes with it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__("webkit", folder, 447)
        driver = required("WebKitWebDriver")
        browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
        if not browsers:
            pytest.skip("no MiniBrowser of WebKit here: apt-get install webkit2gtk-driver")
        screen = [required("Xvfb"), "-displayfd", "1", "-screen", "0", "1600x1200x24"]
        x = stack.enter_context(program(screen))
        assert x.stdout is not None
        self._said = folder / "said.txt"
        settings = folder / "settings"
        settings.mkdir()
        (settings / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{self.downloads}"\n')
        port = free_port()
        out = stack.enter_context(self._said.open("wb"))
        environment = {
            "DISPLAY": f":{x.stdout.readline().decode().strip()}",
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(settings),
            "LANGUAGE": "en_GB",
        }
        stack.enter_context(program([driver, f"--port={port}"], out, **environment))
        self._http = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        )
        wait_for(self._answers)
        switched = ("enable-write-console-messages-to-stdout", "enable-mock-capture-devices")
        arguments = ["--automation", *(f"--{one}=true" for one in switched)]
        options = {"binary": str(browsers[-1]), "args": arguments}
        wanted = {"webkitgtk:browserOptions": options, "timeouts": {"script": 180_000}}
        self._session = "/session"
        made = self._post("", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"
        stack.callback(self._http.delete, self._session)

    def _answers(self) -> bool:
        try:
            return self._http.get("/status").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, command: str, **parameters: Any) -> Any:
        address = _COMMANDS[command].format_map(parameters)
        if command == "TakeScreenshot":
            return self._http.get(f"{self._session}/{address}").json()["value"]
        return self._post(f"/{address}", parameters)

    def _post(self, address: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(self._session + address, json=body).json()["value"]
        assert not (isinstance(answer, dict) and "stacktrace" in answer), answer
        return answer

    def complaints(self) -> list[str]:
        lines = self._said.read_text(errors="replace").splitlines()
        return [line for line in lines if "CONSOLE" in line and ("ERROR" in line or "WARN" in line)]


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Engine]:
    """A window of one of the browsers, closed at the end; skips where it is not installed."""
    with ExitStack() as stack:
        yield {"firefox": _Firefox, "webkit": _WebKit}[name](folder, stack)


def required(*names: str) -> str:
    """The path of the first program that is installed."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no {names[0]} here")


@contextmanager
def program(
    command: Sequence[str], out: Any = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with the block."""
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=out, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
