"""A walk along the command line in Chinese: no English remains but flags, files and formats."""

from __future__ import annotations

import getpass
import io
import re
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import faceveil
import verbs
from commands import faceveil as run
from commands import faceveil_on_a_terminal as run_on_a_terminal
from faceveil import weights
from faceveil.cli import verbs_evidence
from faceveil.errors import UsageError
from faceveil.frames import Image
from faceveil.i18n import catalogue, say, translated
from faceveil.options import Options
from faceveil.server.settings import Service
from tiers import daily

pytestmark = pytest.mark.slow
CHINESE = {"LC_ALL": "zh_CN.UTF-8"}
HAN = re.compile("[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")
VERBS = ["", *verbs.VERBS, *verbs.ONLINE, "weights"]


def _names() -> set[str]:
    """Flags, verbs and values that may be typed, and the names of formats in the translations."""
    models = (Options, Service)
    typed = {name for model in models for name in model.model_fields}
    typed |= {str(field.annotation) for model in models for field in model.model_fields.values()}
    typed |= {
        " ".join(VERBS),
        "faceveil help all no out report html sign plan manifest resume boxes",
    }
    typed |= {
        "from debug json version install show completion foreign format coco yolo csv to quiet all"
    }
    typed |= {f"{one.name} {one.licence}" for one in weights.TABLE.values()}
    told = {re.sub(r"\{\w+\}", "", one) for one in catalogue("zh").values() if HAN.search(one)}
    return {word.lower() for text in typed | told for word in WORD.findall(text)}


NAMES = _names()


def english(text: str, line: str = "") -> list[str]:
    """The words of a text that are no names, of no path or address, and not what was typed."""
    given = WORD.findall(line)
    bare = re.sub(r"\S*[/\\]\S*|\b[\w-]+\.\w+\b|\b[0-9a-f]{12,}\b", " ", text)
    return [word for word in WORD.findall(bare) if word.lower() not in NAMES and word not in given]


def test_english_words_are_no_names() -> None:
    """So that the tests below can fail."""
    assert english("3 faces covered, the window is torn: x.jpg") == [
        *("faces", "covered", "the", "window", "is", "torn")
    ]


@pytest.mark.parametrize("verb", [*VERBS, *(f"{verb} --help-all" for verb in verbs.VERBS)])
def test_the_help(verb: str) -> None:
    words = verb.split()
    done = run(*words, *([] if words[1:] and words[-1] == "--help-all" else ["--help"]), **CHINESE)
    assert (done.returncode, done.stderr) == (0, "")
    assert english(done.stdout) == []
    assert done.stdout.startswith("用法：faceveil")
    # A column of Chinese is as wide as the terminal at most.
    assert max(len(line.encode("gbk")) for line in done.stdout.splitlines()) <= 80


def test_the_help_has_the_same_flags_in_both_languages() -> None:
    plain, chinese = run("veil", "--help-all").stdout, run("veil", "--help-all", **CHINESE).stdout
    flags = re.compile(r"^  (-[\w-]+)", re.MULTILINE)
    assert flags.findall(chinese) == flags.findall(plain) != []


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("--help", r"^  ([^\W\d_]+)  "),  # the verbs
        ("weights --help", r"^  ([^\W\d_]+)  "),
        *((f"{verb} --help-all", r"<([^<>]+\|[^<>]+)>") for verb in verbs.VERBS),  # choices
        ("veil --help-all", r"(?:default|默\s*认)\s+([a-z]+)[,)，）]"),
    ],
)
def test_what_has_to_be_typed_is_not_translated(words: str, typed: str) -> None:
    shown = [run(*words.split(), **language).stdout for language in (CHINESE, {})]
    chinese, plain = (re.findall(typed, one, re.MULTILINE) for one in shown)
    assert chinese == plain
    assert plain or "--help-all" in words


@pytest.mark.parametrize(
    "line",
    [
        "", "veil", "frobnicate", "veil x.jpg --frobnicate", "veil x.jpg --colls 3", "render a.jpg",
        "veil x.jpg --quality", "veil x.jpg --quality many", "veil x.jpg --preset none",
        "veil x.jpg --resume=1", "veil x.jpg --cells 20", "veil x.jpg --cells 99", "demo a b",
        "veil x.jpg --min-face 2", "veil x.jpg --cover-zones 1,2", "veil x.jpg --sign key",
        "veil nowhere.jpg", "export a -o b --format zip", "check", "render a.jpg b.json -o c.jpg",
        "veil x.jpg --detector none-such", "detect nowhere.jpg", "weights frob", "weights",
        "live nowhere.mp4", "veil x.jpg --boxes-from nowhere.csv", "serve --port 99999",
        "veil x.jpg --detector nowhere:thing", "veil x.jpg --detector os:path",
        "veil x.jpg --detector os:nothing", "render x.jpg x.jpg -o y.jpg",
    ],
)  # fmt: skip
def test_what_is_said_of_a_wrong_use(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    code, shown, said = run_on_a_terminal(*line.split(), **CHINESE)
    assert code in (1, 2, 3)
    assert english(shown + said, line) == []
    assert HAN.search(shown + said)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("export", "缺少参数“方案|报告”"),
        ("veil x.jpg --preset none", "“none”不在可选范围内：strict、balanced、light"),
        ("veil x.jpg --hel", "（相近的选项：--help、"),
        ("weights fetch frob", "现有：yunet、centerface、"),
        ("veil empty.png --detector nope", "请从中选择：auto、yunet、"),
        ("veil empty.png -o none", "图片不能存为没有扩展名的文件"),
    ],
)
def test_lists_and_what_is_put_in_are_written_as_chinese_is(
    line: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    cv2.imwrite("empty.png", np.full((64, 64, 3), 200, np.uint8))
    _, shown, said = run_on_a_terminal(*line.split(), **CHINESE)
    assert wanted in shown + said


def test_names_keep_their_distance() -> None:
    """Chinese needs no space beside Chinese, but a name of the user's stands apart."""
    told = say("cannot write {path}: {reason}", path="照片", reason="x")
    assert "无法写入 照片：" in translated(told, "zh")


def test_completion_says_where_it_is(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    # Else the shell is the one that runs the tests, and make's own has no completion.
    home["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    code, shown, said = run_on_a_terminal("--install-completion", "bash", **home, **CHINESE)
    assert (code, said) == (0, ""), shown
    assert english(shown, "bash") == []
    assert "bash 的自动补全" in shown


def test_a_passphrase_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", CHINESE["LC_ALL"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompt)
    assert verbs_evidence._passphrase(Path("key")) == "key 的密码："


def test_a_passphrase_that_nobody_can_type_is_no_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a terminal Python would read it from stdin, and warn in English."""
    fallback = vars(getpass)["fallback_getpass"]
    monkeypatch.setattr("getpass.getpass", lambda prompt: fallback(prompt, io.StringIO()))
    with pytest.raises(UsageError, match="no terminal") as refused:
        verbs_evidence._passphrase(Path("key"))
    assert "ssh-keygen" in str(refused.value.advice)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, _astronaut: Image, detector: str) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    verbs.furnish(folder, _astronaut)
    (folder / "album").mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(folder / "photo.jpg", folder / "album" / name)
    (folder / "album" / "notes.txt").write_text("words")
    (folder / "album" / "broken.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:2000])
    with zipfile.ZipFile(folder / "album.zip", "w") as archive:
        archive.write(folder / "photo.jpg", "one.jpg")
    cv2.imwrite(str(folder / "empty.png"), np.full((64, 64, 3), 200, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("line", "code", "words"),
    daily([
        ("veil photo.jpg", 0, "photo.veiled.jpg：已遮盖 1 张人脸"),
        ("veil album/ -o out/", 1, "张人脸"),
        ("veil album/a.jpg album/b.jpg -o two/", 0, "文件：2、此前已完成：0"),
        ("veil album.zip -o out.zip", 0, "已遮盖 1 张人脸"),
        ("veil photo.jpg -o weak.jpg --method gaussian --check off", 0, "警告"),
        ("detect photo.jpg", 0, "photo.jpg：1 张人脸"),
        ("detect clip.mp4 photo.jpg", 0, "张人脸"),
        ("render photo.jpg plan.json -o safe.jpg", 0, "已遮盖 1 张人脸"),
        ("check photo.jpg", 5, "photo.jpg：人脸（第 0 帧）"),
        ("check empty.png", 0, "没有发现"),
        ("veil empty.png", 0, "empty.png 中没有找到"),
        ("veil photo.jpg -o full.jpg --report /dev/full", 1, "无法写入 /dev/full：磁盘空间不足"),
        ("export plan.json --format coco -o boxes.json", 0, "1 张人脸"),
        ("weights list", 0, "正常"),
        ("live clip.mp4 seen.mp4", 0, "共"),
        ("--version", 0, "faceveil"),
    ], every=3),
)  # fmt: skip
def test_what_is_said_of_real_runs(
    line: str, code: int, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ended, shown, said = run_on_a_terminal(*line.split(), **CHINESE)
    assert ended == code, said
    assert words in shown + said
    assert english(shown + said) == []


def test_programs_read_english(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON wherever it goes, and results that go to no terminal."""
    monkeypatch.chdir(folder)
    _, shown, _ = run_on_a_terminal("check", "photo.jpg", "--json", **CHINESE)
    assert not HAN.search(shown)
    assert "a face of" in shown
    done = run("detect", "photo.jpg", **CHINESE)
    assert done.stdout == run("detect", "photo.jpg").stdout
    assert faceveil.__version__ in run("--version", **CHINESE).stdout
