"""The command line end to end, as a user runs it: exit codes, what goes where, what is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from commands import faceveil
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.pipeline import veil_file
from faceveil.plan import Plan
from tiers import daily

pytestmark = pytest.mark.slow

FACE = Box(180.0, 68.0, 270.0, 184.0)
"""Forehead to chin of the astronaut."""


@pytest.fixture
def no_weights(tmp_path: Path) -> dict[str, str]:
    """An environment in which no weights can be found."""
    empty = tmp_path / "empty"
    empty.mkdir()
    places = ("FACEVEIL_WEIGHTS", "XDG_CACHE_HOME", "LOCALAPPDATA", "HOME", "USERPROFILE")
    return dict.fromkeys(places, str(empty))


@pytest.fixture
def broken(tmp_path: Path, photo: Path) -> Path:
    path = tmp_path / "broken.jpg"
    path.write_bytes(photo.read_bytes()[:2000])
    return path


def assert_clear(done: subprocess.CompletedProcess[str]) -> None:
    """Errors are lines of our own on stderr, never a traceback."""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(("faceveil: ", "Usage: "))


def hidden_under(boxes: list[list[float]]) -> bool:
    return any(Box(*box).intersection(FACE) > 0.95 * FACE.area for box in boxes)


@pytest.mark.usefixtures("detector")
class TestVeil:
    def test_one_photo(self, photo: Path) -> None:
        before = photo.read_bytes()
        done = faceveil("veil", photo)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert done.stdout == f"{photo} -> {photo.with_name('photo.veiled.jpg')}: 1 face covered\n"
        assert photo.read_bytes() == before
        assert sorted(path.name for path in photo.parent.iterdir()) == [
            "photo.jpg",
            "photo.veiled.jpg",
        ]

    def test_side_outputs(self, photo: Path, tmp_path: Path) -> None:
        out, report, plan = (tmp_path / name for name in ("out.jpg", "report.json", "plan.json"))
        done = faceveil("veil", photo, "-o", out, "--report", report, "--plan", plan)
        assert done.returncode == 0, done.stderr
        told = json.loads(report.read_text())
        assert told["status"] == "ok"
        assert (told["input"], told["output"]) == ("photo.jpg", "out.jpg")
        assert hidden_under(told["regions"]["0"])
        assert len(Plan.from_json(plan.read_text()).tracks) == 1
        if os.name == "posix":  # they say where people's faces are
            assert {stat.S_IMODE(path.stat().st_mode) for path in (report, plan)} == {0o600}

    def test_a_page_and_signatures(self, photo: Path, broken: Path, tmp_path: Path) -> None:
        key, page = tmp_path / "id", tmp_path / "page.html"
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen is not installed")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        asked = ("--report-html", page, "--sign", key, "-o", tmp_path / "out")
        done = faceveil("veil", photo, broken, *asked)
        assert done.returncode == 1
        assert page.with_name("page.html.sig").read_text().startswith("-----BEGIN SSH SIG")
        html = page.read_text()
        assert photo.name in html
        assert broken.name in html
        assert html.count("data:image/jpeg") == 1
        done = faceveil("veil", photo, "--sign", key)
        assert done.returncode == 2
        assert "--report" in done.stderr

    def test_one_bad_file_does_not_end_the_batch(
        self, photo: Path, broken: Path, tmp_path: Path
    ) -> None:
        out, report = tmp_path / "out", tmp_path / "report.jsonl"
        missing = tmp_path / "missing.jpg"
        done = faceveil("veil", missing, broken, photo, "-o", out, "--report", report)
        assert done.returncode == 1
        assert_clear(done)
        assert [path.name for path in out.iterdir()] == ["photo.veiled.jpg"]
        told = {line["input"]: line for line in map(json.loads, report.read_text().splitlines())}
        assert {name: line["status"] for name, line in told.items()} == {
            "missing.jpg": "failed",
            "broken.jpg": "failed",
            "photo.jpg": "ok",
        }
        for path in (missing, broken):
            assert str(path) in done.stderr
        assert told["broken.jpg"]["warnings"]

    def test_a_folder_keeps_its_shape(self, photo: Path, tmp_path: Path) -> None:
        album = tmp_path / "album"
        (album / "summer").mkdir(parents=True)
        for place in (album, album / "summer"):
            (place / "a.jpg").write_bytes(photo.read_bytes())
        done = faceveil("veil", album, "-o", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        written = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
        assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == [
            "a.veiled.jpg",
            "summer/a.veiled.jpg",
        ]

    def test_several_into_a_file_is_refused(self, photo: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.jpg"
        other.write_bytes(photo.read_bytes())
        before = other.read_bytes()
        done = faceveil("veil", photo, photo.parent, "-o", other)
        assert done.returncode == 2
        assert_clear(done)
        assert other.read_bytes() == before

    def test_the_input_is_never_overwritten(self, photo: Path) -> None:
        before = photo.read_bytes()
        for arguments in (("-o", photo), ("--report", photo), ("--plan", photo)):
            done = faceveil("veil", photo, *arguments)
            assert done.returncode == 2, arguments
            assert_clear(done)
            assert photo.read_bytes() == before

    def test_what_can_be_undone_is_said(self, photo: Path) -> None:
        done = faceveil("veil", photo, "--method", "gaussian", "--check", "off")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("can be undone") == 1

    def test_what_can_be_undone_is_a_warning_of_the_report(self, photo: Path) -> None:
        options = Options(method="gaussian", check="off", min_face=40)
        report = veil_file(photo, None, options)
        assert report.status == "partial"
        assert any("gaussian can be undone" in warning for warning in report.warnings)
        report = veil_file(photo, None, options.model_copy(update={"method": "blur"}))
        assert (report.status, report.warnings) == ("ok", ())

    def test_an_interrupt_leaves_nothing(self, photo: Path, tmp_path: Path) -> None:
        process = veiling(60, photo, tmp_path)
        assert process.stdout is not None
        process.stdout.readline()  # the first photo is done
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in errors
        assert "interrupted" in errors
        assert all(path.name.endswith(".veiled.jpg") for path in (tmp_path / "out").iterdir())

    @pytest.mark.parametrize("seconds", daily([0.4, 0.8, 1.2, 1.6], 0.8))
    def test_an_interrupt_is_quiet_while_the_processes_begin(
        self, photo: Path, tmp_path: Path, seconds: float
    ) -> None:
        process = veiling(20, photo, tmp_path)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode in (130, -signal.SIGINT)
        assert "Traceback" not in errors

    @pytest.mark.parametrize("seconds", [0.02, 0.1, 0.2, 0.4, 0.7])
    def test_an_interrupt_is_quiet_while_one_photo_begins(
        self, photo: Path, seconds: float
    ) -> None:
        process = begun("veil", photo)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode in (0, 130, -signal.SIGINT)
        assert errors in ("", "faceveil: interrupted\n")

    def test_an_interrupt_that_comes_out_as_another_error_is_one(self, photo: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED_IMPORT, "veil", photo],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 130
        assert done.stderr == "faceveil: interrupted\n"

    @pytest.mark.parametrize("made", ["RuntimeError", "KeyboardInterrupt"])
    def test_an_interrupt_before_the_work_begins_that_comes_out_as_another_error_is_one(
        self, photo: Path, made: str
    ) -> None:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED_EARLY.format(made=made), "veil", photo],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (130, "faceveil: interrupted\n")

    def test_an_interrupt_that_a_library_swallows_ends_the_run_after_this_file(
        self, photo: Path, tmp_path: Path
    ) -> None:
        album = tmp_path / "album"
        album.mkdir()
        for name in ("a.jpg", "b.jpg"):
            (album / name).write_bytes(photo.read_bytes())
        out = tmp_path / "out"
        for verb in (["veil", str(album), "-o", str(out)], ["detect", str(album)]):
            command = [sys.executable, "-c", SWALLOWED, *verb]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            assert done.returncode == 130, verb
            assert done.stderr.endswith("faceveil: interrupted\n"), verb
            assert "b.jpg" not in done.stdout, verb
        assert [path.name for path in out.iterdir()] == ["a.veiled.jpg"]


INTERRUPTED_EARLY = """
import os, signal, sys
from faceveil.__main__ import main
import faceveil.cli

def app(**settings):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass
    except KeyboardInterrupt as error:  # as Python 3.11 does where a class is made
        raise {made} from error

faceveil.cli.app = app
main()
"""

SWALLOWED = """
import os, signal, sys
from faceveil.__main__ import main
from faceveil.cli.outcomes import Outcomes

done = Outcomes.done

def swallowing(outcomes, **settings):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass
    except KeyboardInterrupt:
        return done(outcomes, **settings)

Outcomes.done = swallowing
if __name__ == "__main__":
    main()
"""

INTERRUPTED_IMPORT = """
import os, signal, sys
from faceveil.__main__ import main
import faceveil.pipeline

def veil_file(*arguments, **settings):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass
    except KeyboardInterrupt as error:
        raise ImportError("numpy cannot be loaded") from error

faceveil.pipeline.veil_file = veil_file
main()
"""


def veiling(photos: int, photo: Path, folder: Path) -> subprocess.Popen[str]:
    """A run over an album of so many photos, in a session of its own."""
    album = folder / "album"
    album.mkdir()
    for number in range(photos):
        (album / f"{number}.jpg").write_bytes(photo.read_bytes())
    return begun("veil", album, "-o", folder / "out")


def begun(*arguments: str | Path) -> subprocess.Popen[str]:
    """A run in a session of its own, when Python itself has begun and FaceVeil begins."""
    code = "import faceveil.__main__ as door; print('begun', flush=True); door.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("flag", ["--version", "--help"])
@pytest.mark.parametrize(("streams", "code"), [(">&-", 0), ("2>&-", 0), (">/dev/full", 1)])
def test_a_stream_that_takes_nothing_is_no_fault(streams: str, code: int, flag: str) -> None:
    if "full" in streams and not Path("/dev/full").exists():
        pytest.skip("there is no full device here")
    run = ["sh", "-c", f'exec "$0" -m faceveil {flag} {streams}', sys.executable]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr in ("", "faceveil: no space left on device\n")


@pytest.mark.usefixtures("detector")
class TestOtherVerbs:
    def test_detect_prints_what_the_contract_says(self, photo: Path, detector: str) -> None:
        done = faceveil("detect", photo, "--json")
        assert done.returncode == 0, done.stderr
        line = json.loads(done.stdout)
        assert list(line) == [
            "file",
            "width",
            "height",
            "detector",
            "weights_sha256",
            "min_face",
            "time_base",
            "frames",
        ]
        assert (line["file"], line["width"], line["height"]) == (str(photo), 512, 512)
        assert line["detector"] == detector
        assert len(line["weights_sha256"]) == 64
        (frame,) = line["frames"]
        assert list(frame) == ["index", "pts", "seconds", "faces"]
        assert frame["seconds"] == frame["pts"] * Fraction(line["time_base"])
        (face,) = frame["faces"]
        assert list(face) == ["box", "score", "track", "filled"]
        assert Box(*face["box"]).iou(FACE) > 0.5
        assert face["filled"] is False

    def test_detect_in_words(self, photo: Path, broken: Path) -> None:
        done = faceveil("detect", broken, photo)
        assert done.returncode == 1
        assert done.stdout.startswith(f"{photo}: 1 face ")
        assert str(broken) in done.stderr

    def test_an_edited_plan_is_obeyed(self, photo: Path, tmp_path: Path) -> None:
        plan, out, report = (tmp_path / name for name in ("plan.json", "out.jpg", "report.json"))
        assert faceveil("detect", photo, "--plan", plan).returncode == 0
        edited = json.loads(plan.read_text())
        added = {"x0": 20, "y0": 400, "x1": 60, "y1": 450}
        edited["tracks"].append({"id": 9, "boxes": {"0": added}, "origin": "manual"})
        plan.write_text(json.dumps(edited))
        done = faceveil("render", photo, plan, "-o", out, "--report", report)
        assert done.returncode == 0, done.stderr
        assert out.is_file()
        regions = json.loads(report.read_text())["regions"]["0"]
        assert len(regions) == 2
        assert hidden_under(regions)

    def test_a_plan_that_is_none(self, photo: Path, tmp_path: Path) -> None:
        plan = tmp_path / "plan.json"
        for text in ("", "{}", "not json"):
            plan.write_text(text)
            done = faceveil("render", photo, plan, "-o", tmp_path / "out.jpg")
            assert done.returncode == 2
            assert_clear(done)

    def test_check(self, photo: Path) -> None:
        assert faceveil("veil", photo).returncode == 0
        clean = photo.with_name("photo.veiled.jpg")
        done = faceveil("check", clean)
        assert (done.returncode, done.stdout) == (0, f"{clean}: nothing found\n")
        done = faceveil("check", clean, photo, "--json")
        assert done.returncode == 5
        first, second = map(json.loads, done.stdout.splitlines())
        assert first == {"file": str(clean), "findings": []}
        assert second["file"] == str(photo)
        assert [finding["kind"] for finding in second["findings"]] == ["face"]
        assert list(second["findings"][0]) == [
            *("kind", "detail", "frame", "box", "score", "detector", "part")
        ]

    def test_check_takes_a_folder_of_our_own_outputs(self, photo: Path) -> None:
        assert faceveil("veil", photo).returncode == 0
        photo.rename(photo.with_name("photo.txt"))
        done = faceveil("check", photo.parent, "--include", "*.jpg")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "photo.veiled.jpg: " in done.stdout

    @pytest.mark.long
    def test_demo(self, tmp_path: Path) -> None:
        done = faceveil("demo", tmp_path / "demo")
        assert done.returncode == 0, done.stderr
        assert "8 of 8 faces covered" in done.stdout
        assert "5 of 5 faces covered" in done.stdout
        made = {f"{name}.{kind}" for name in ("before", "after") for kind in ("jpg", "mp4")}
        assert {path.name for path in (tmp_path / "demo").iterdir()} == made


def test_a_sample_is_covered_only_where_it_is_in_every_frame(tmp_path: Path) -> None:
    from faceveil.cli import demo

    photo, clip = demo.run(tmp_path, Options(min_face=90.0, check="off"))
    assert 0 < photo.covered < photo.faces == 8
    assert clip.covered < clip.faces == 5


@pytest.mark.parametrize("verb", ["veil", "detect", "check"])
def test_a_single_failure_ends_with_its_own_code(verb: str, broken: Path, tmp_path: Path) -> None:
    for path in (broken, tmp_path / "missing.jpg"):
        done = faceveil(verb, path)
        assert done.returncode == 3, done.stderr
        assert_clear(done)
        assert done.stderr.count(str(path)) >= 1
        assert done.stdout == ""


@pytest.mark.parametrize("verb", ["veil", "detect", "check"])
def test_missing_weights(verb: str, photo: Path, no_weights: dict[str, str]) -> None:
    done = faceveil(verb, photo, **no_weights)
    assert done.returncode == 4
    assert_clear(done)
    assert "faceveil weights fetch" in done.stderr
    assert not photo.with_name("photo.veiled.jpg").exists()


def test_altered_weights(photo: Path, tmp_path: Path, no_weights: dict[str, str]) -> None:
    folder = tmp_path / "altered"
    folder.mkdir()
    (folder / "yunet_n_dynamic.onnx").write_bytes(b"not a model")
    done = faceveil("veil", photo, "--weights", folder, **no_weights)
    assert done.returncode == 4
    assert_clear(done)
    done = faceveil("weights", "verify", "--weights", folder, **no_weights)
    assert done.returncode == 4
    assert "wrong" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cells", "8"], "--allow-weak"),
        (["--quality", "800"], "--quality"),
        (["--quality", "good"], "--quality"),
        (["--method", "magic"], "magic"),
        (["--no-such-flag"], "--no-such-flag"),
        (["--detector", "no-such-detector"], "no-such-detector"),
    ],
)
def test_wrong_options(arguments: list[str], words: str, photo: Path) -> None:
    done = faceveil("veil", photo, *arguments)
    assert done.returncode == 2, done.stderr
    assert_clear(done)
    assert words in done.stderr
    assert [path.name for path in photo.parent.iterdir()] == ["photo.jpg"]


def test_an_empty_folder(tmp_path: Path) -> None:
    done = faceveil("veil", tmp_path)
    assert done.returncode == 2
    assert_clear(done)


def test_a_traceback_only_on_request(broken: Path) -> None:
    done = faceveil("veil", broken, "--debug")
    assert done.returncode == 3
    assert "Traceback" in done.stderr


def test_version() -> None:
    done = faceveil("--version")
    _, said, *_ = done.stdout.splitlines()
    assert re.fullmatch(r"detector \w+, weights sha256 [0-9a-f]{64}|no detector: .*", said)
    assert done.returncode == 0
    assert done.stdout.startswith("faceveil ")


HELP = [sys.executable, "-m", "faceveil", "--help"]


def worked() -> float:
    """Seconds for which processes that have ended had a core."""
    used = os.times()
    return used.children_user + used.children_system


@pytest.mark.alone
def test_help_is_there_at_once(record_property: Callable[[str, object], None]) -> None:
    """Judged by its work: the time it takes is that of all that goes on beside it."""
    seconds = []
    for _ in range(5):
        before = worked()
        assert subprocess.run(HELP, stdout=subprocess.DEVNULL).returncode == 0
        seconds.append(worked() - before)
    median = statistics.median(seconds)
    record_property("help_seconds", round(median, 3))
    print(f"faceveil --help: {median:.3f} s")
    assert median < 0.3
