"""A short command loads what it needs and no more: lists of modules, because times depend on the
machine.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceveil import weights
from faceveil.cli.flags import flag_name
from faceveil.detect import onnx_format
from faceveil.options import Options
from faceveil.system.extras import advice_for, packages_of
from tiers import daily

pytestmark = pytest.mark.slow

NUMERIC = {"av", "cv2", "numpy", "onnxruntime", "PIL"}
"""Each takes a tenth of a second and more, or loads one that does."""
ODD = {"onnx", "ml_dtypes", "rich", "scipy", "skimage", "pikepdf", "pypdfium2", "fastapi", "ray"}
"""Packages that no single photo takes."""
ONLY_OTHERS = {
    "faceveil.dataset",
    "faceveil.detect.change",
    "faceveil.media.documents.texts",
    "faceveil.media.pictures.animation",
    "faceveil.media.pictures.pages",
    "faceveil.scan.parts",
    "faceveil.track.chain",
    "faceveil.weights.download",
}
"""Modules that no single photo takes; others do."""
VERBS = ("veil", "detect", "render", "check", "live", "serve", "weights fetch")

RUN = """
import sys
from faceveil.__main__ import start
try:
    start(sys.argv[1:])
finally:
    print("", *sorted(sys.modules), file=sys.stderr, sep="\\n")
"""


def loaded(*arguments: str, columns: int = 80) -> tuple[list[str], set[str]]:
    """The lines that a command prints, and all modules that it loads."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": str(columns), "LC_ALL": "C.UTF-8"},
    )
    return done.stdout.splitlines(), set(done.stderr.splitlines())


def test_the_version_loads_neither_numbers_nor_settings() -> None:
    said, modules = loaded("--version")
    assert said[0].startswith("faceveil ")
    assert not modules & (NUMERIC | ODD | {"pydantic", "faceveil.options", "multiprocessing"})


@pytest.mark.parametrize("verb", daily(["", *VERBS], "", "veil", "serve"))
def test_help_loads_nothing_heavy_and_fits_a_screen(verb: str) -> None:
    said, modules = loaded(*verb.split(), "--help")
    assert not modules & (NUMERIC | ODD)
    assert verb or not modules & {"pydantic", "importlib.metadata", "email"}
    assert len(said) <= 25
    assert max(map(len, said)) <= 80


def test_all_help_names_every_setting_below_its_group() -> None:
    short, full = (loaded("veil", flag)[0] for flag in ("--help", "--help-all"))
    assert len(full) > 3 * len(short)
    assert {"Protection:", "Detection:", "Video:", "Check:"} <= set(full)
    text = "\n".join(full)
    for name in ("method", "min_face", "encoder", "on_fail", "names_in"):
        assert flag_name(name) in text


def test_a_photo_loads_nothing_that_other_files_take(photo: Path, detector: object) -> None:
    said, modules = loaded("veil", str(photo), "-o", str(photo.with_name("safe.png")))
    assert said[0].endswith("covered")
    assert not modules & ODD
    others = ("faceveil.media.videos.", "faceveil.batch.run", "faceveil.batch.apart")
    pdf = ("faceveil.media.documents.pdf", "faceveil.media.documents.package", "faceveil.server")
    assert not [name for name in modules if name.startswith((*others, *pdf))]
    assert not modules & ONLY_OTHERS


def test_a_file_in_place_of_a_verb_is_veiled(photo: Path, detector: object) -> None:
    said, _ = loaded(str(photo), "--preset", "strict")
    assert said == [f"{photo} -> {photo.with_stem('photo.veiled')}: 1 face covered"]


@pytest.mark.parametrize("given", [["--no-such"], ["--metod", "solid"]])
def test_a_misspelt_flag_is_named_with_what_was_meant(given: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "faceveil", "veil", "x.jpg", *given], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert given[0] in done.stderr
    assert given[0] != "--metod" or "--method" in done.stderr


def test_only_flags_that_are_given_are_made() -> None:
    """Typer builds what reads a value for each of them."""
    from faceveil.cli import verbs
    from faceveil.cli.flags import _runner

    def made(only: set[str] | None) -> list[str]:
        run = _runner(verbs.veil, verbs.FIND, only, brief=False)
        return list(inspect.signature(run).parameters)

    assert made(set()) == ["inputs"]
    assert made({"-o", "--min-face"}) == ["inputs", "out", "min_face"]
    assert made({"--out", "--debug"}) == ["inputs", "out", "debug"]
    assert {"inputs", "out", "report", "sign", "min_face", "debug"} < set(made(None))


ENDING = """
import atexit, sys, threading
from faceveil import __main__ as door

class Late:
    def __del__(self):
        print("taken down")

kept = Late()
run = door.start

def start(arguments):
    atexit.register(print, "tidied up", flush=True)
    run(arguments)

door.start = start
if "--wait" in sys.argv:
    sys.argv.remove("--wait")
    main = threading.main_thread()
    threading.Thread(target=lambda: (main.join(), print("done"))).start()
door.main()
"""


@pytest.mark.parametrize(
    ("flag", "last"), [([], ["tidied up"]), (["--wait"], ["done", "tidied up"])]
)
def test_the_process_ends_at_once_when_all_is_done(flag: list[str], last: list[str]) -> None:
    line = [sys.executable, "-c", ENDING, "--version", *flag]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-len(last) :] == last


STOPPED = """
import sys
from faceveil import __main__ as door

def working():
    try:
        yield
    finally:
        print("tidied up")

def start(arguments):
    work = working()
    for _ in work:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(130)

door.start = start
door.main()
"""


def test_what_was_under_way_is_tidied_up_before_the_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "tidied up\n", "")


def test_a_variable_counts_as_a_flag_that_is_given(photo: Path, detector: object) -> None:
    """Only flags that are given are made; the password comes by a variable of the environment."""
    code = (
        "from typer.testing import CliRunner; from faceveil.cli import app\n"
        "import faceveil.pipeline as p\n"
        "p.veil_file = lambda path, out, options, **more: print(options.password) or 1 / 0\n"
        f"print(CliRunner().invoke(app, ['veil', {str(photo)!r}]).stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"FACEVEIL_PASSWORD": "open sesame"},
    )
    assert done.stdout.startswith("open sesame\n"), done.stderr


def test_the_graph_of_centerface_is_one_that_onnx_takes() -> None:
    onnx = pytest.importorskip("onnx")
    from faceveil.detect import centerface

    located = weights.verify("centerface", Options().weights)
    if located.path is None:
        pytest.skip("no weights of centerface here")
    model = onnx.load_from_string(centerface._dynamic(located.path))
    onnx.checker.check_model(model)
    (picture,) = model.graph.input
    sizes = picture.type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in sizes] == ["batch", 3, "height", "width"]
    before = onnx.load(located.path)
    assert [one.name for one in model.graph.output] == [one.name for one in before.graph.output]
    assert model.graph.node == before.graph.node
    assert model.graph.initializer == before.graph.initializer


@pytest.mark.parametrize(
    ("extra", "package"),
    [("sign", "cryptography[ssh]>=44"), ("server", "fastapi>=0.165"), ("mediapipe", "ai-edge-")],
)
def test_advice_names_the_installer_of_this_installation(
    extra: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(one.startswith(package) for one in packages_of(extra))
    for there, command in ((object(), "-m pip install "), (None, "uv pip install --python ")):
        monkeypatch.setattr("faceveil.system.extras.find_spec", lambda _, there=there: there)
        words = advice_for(extra)
        assert command in words
        assert sys.executable in words
        assert package in words
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert advice_for(extra).startswith("The executable does not contain it")


@pytest.mark.parametrize("cut", [b"\x0a", b"\x0a\x05ab", b"\x80", b"\x0b"])
def test_what_is_no_model_is_refused(cut: bytes) -> None:
    with pytest.raises(onnx_format.NoModelError):
        onnx_format.with_shapes(cut, {}, {})
