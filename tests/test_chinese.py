"""Every message there is can be read in Chinese, on the page, in the report and in a terminal."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import textwrap
from http import HTTPStatus
from pathlib import Path

import av
import pytest
from pydantic_core._pydantic_core import list_all_errors

import faceveil
import messages
from faceveil.cli.ui import UI
from faceveil.errors import UnreadableError
from faceveil.i18n import CATALOGUE, in_chinese

PACKAGE = Path(faceveil.__file__).parent
MODULE = PACKAGE / "server" / "static" / "js" / "chinese.js"
CHINESE: dict[str, str] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
SAID = messages.of_package(PACKAGE)
UNSAID = {
    # help texts, which are in English
    *("on unless told otherwise", "default {0}", "default {0}, or the preset's"),
    *("ok, or partial: there are warnings", "Different faces that were covered"),
    "How many warnings the report has",
    # the API to read, which is in English
    "{0} ({1}, required)",
    # on the standard output, for other programs
    "not on this machine",
    # what a detector is called in reports
    *("{0} on {1}", "{0} on cpu ({1} there)", "{0} is not", "no accelerator"),
    # keys of the words of the page
    *("no output", "sha256 in", "sha256 out", "settings sha256", "{0} px", "FaceVeil {0} · {1}"),
    # words of others that are looked for or handed on
    *("Value error, ", "Too many", "Capture screen 0", "faceveil: {0}\n"),
}
HEADER = re.compile(r"^[a-z]+(-src|=| ?/?[a-z-]+;)|'self'|\r\n")
"""Texts of HTTP."""


def of_others() -> set[str]:
    """What the system, Python, FFmpeg and pydantic say, in lower case, with holes."""
    said = {os.strerror(code) for code in errno.errorcode} | {one.phrase for one in HTTPStatus}
    for code in av.error.classes:
        try:
            av.error.err_check(-code)
        except av.error.FFmpegError as error:
            said.add(str(error.strerror))
    for number in (float, int):
        try:
            number(messages.HOLE)
        except ValueError as error:
            said.add(messages.numbered(str(error).replace(repr(messages.HOLE), messages.HOLE)))
    for one in list_all_errors():
        template = re.sub(r"\{\w+\}", messages.HOLE, one["message_template_python"])
        said.add(messages.numbered(template))
    return {text.lower() for text in said}


def holes(text: str) -> list[str]:
    return re.findall(r"\{(\d)[!*]?\}", text)


def filled(text: str) -> str:
    """A message with something of its own in each hole."""
    return re.sub(r"\{(\d)[!*]?\}", r"v\1", text)


def test_messages_are_found_in_code() -> None:
    code = """
        def work(name, error, count, *, help="not a message"):
            \'\'\'Not a message.\'\'\'
            assert name, "not a message"
            warnings.append(f"{name} is " + ("gone" if count else f"late by {count:.1f} s"))
            if count:
                raise UsageError(f"cannot: {error.strerror or 'no reason given'}", "Try again.")
            print("not a message", Field(help="not a message"), "not", "sha256")
            raise RuntimeError("not a message")
    """
    assert messages.of_code(textwrap.dedent(code), "a.py") == [
        "{0} is gone",
        "{0} is late by {1} s",
        "cannot: {0}",
        "no reason given",
        "Try again.",
    ]
    assert messages.of_code("yield 'comment'", "media/metadata/a.py") == ["comment"]


def test_every_message_has_its_translation() -> None:
    missing = {
        text: module
        for text, module in SAID.items()
        if text not in CHINESE.keys() | UNSAID and not HEADER.search(text)
    }
    assert missing == {}, "translate them in src/faceveil/i18n/chinese.json"


def test_no_translation_is_left_over() -> None:
    known = messages.all_texts(PACKAGE) | SAID.keys()
    others = of_others()
    assert {text for text in CHINESE if text not in known and text.lower() not in others} == set()
    assert known > UNSAID


def test_a_translation_says_the_same() -> None:
    for english, chinese in CHINESE.items():
        assert holes(english) == [str(number) for number in range(len(holes(english)))], english
        assert sorted(holes(chinese)) == holes(english), english


def test_translations_are_written_as_chinese_is() -> None:
    latin, han = r"([A-Za-z0-9]|\{\d\})", r"[\u4e00-\u9fff]"
    for english, chinese in CHINESE.items():
        assert re.search(han, chinese) or not re.search("[a-z]", chinese), english
        written = chinese.replace("左,上,右,下", "")  # as it has to be given
        # Latin letters and figures stand apart, and punctuation is Chinese beside Chinese.
        assert not re.search(rf"{han}{latin}|{latin}{han}", written), chinese
        assert not re.search(rf"{han}[,:;.!?]|[,:;!?]{han}", written), chinese
        advice = english[0].isupper() and english.endswith(".")
        assert chinese.endswith("。") or not advice, chinese


def test_a_message_is_known_by_its_words() -> None:
    """Whatever is in it, and behind the name of a file too."""
    for english, chinese in CHINESE.items():
        assert in_chinese(filled(english)) == filled(chinese)
        assert in_chinese(f"a clip.mp4: {filled(english)}") == f"a clip.mp4：{filled(chinese)}"


class TestInChinese:
    def test_messages_in_messages(self) -> None:
        said = "the plan was made for another file: it is for 8x6, not 6x8"
        assert in_chinese(said) == "方案是为另一个文件制作的：它对应的尺寸是 8x6，而不是 6x8"
        said = "cannot write /tmp/a: b: Permission denied"
        assert in_chinese(said) == "无法写入 /tmp/a：b：没有权限"
        said = (
            "no file of the archive could be done: a.jpg is left out: the file is empty; b.jpg: x"
        )
        assert in_chinese(said) == (
            "压缩包中没有一个文件处理成功：未包含 a.jpg：文件是空的；b.jpg：x"
        )
        said = "the check found face in frame 3: a face of 20 px is visible at 10,10"
        assert in_chinese(said) == "检查发现：人脸（第 3 帧）：10,10 处可见一张 20 像素的人脸"

    def test_names_stay_as_they_are(self) -> None:
        assert in_chinese("cannot write comment: x") == "无法写入 comment：x"
        assert in_chinese("no weights are called 'text'; there are: a, b") == (
            "没有名为 'text' 的权重；现有：a, b"
        )

    @pytest.mark.parametrize("said", ["", "of no kind known", "漏检", "a" * 100_000, "{0}", "{0!}"])
    def test_what_is_unknown_stays_as_it_is(self, said: str) -> None:
        assert in_chinese(said) == said

    def test_no_name_takes_long_or_breaks_it(self) -> None:
        assert in_chinese("a: " * 5000).startswith("a：a：")


class TestCommandLine:
    @pytest.mark.parametrize(
        ("environment", "chinese"),
        [
            ({}, False),
            ({"LANG": "zh_CN.UTF-8"}, True),
            ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, True),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ],
    )
    def test_it_speaks_the_users_language(
        self,
        environment: dict[str, str],
        chinese: bool,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        ui = UI()
        ui.error(
            UnreadableError("the PNG data is cut off", "Get a complete copy of the file."), "x"
        )
        ui.warn("x: the video ends after 2.0 of 8.0 seconds")
        ui.result("x: the file is empty")
        out, errors = capsys.readouterr()
        assert out == "x: the file is empty\n"
        assert errors.splitlines() == (
            [
                "faceveil: x：PNG 数据不完整，缺少后面的部分",
                "faceveil: 请取得完整的文件。",
                "faceveil: 警告：x：视频应有 8.0 秒，到第 2.0 秒就结束了",
            ]
            if chinese
            else [
                "faceveil: x: the PNG data is cut off",
                "faceveil: Get a complete copy of the file.",
                "faceveil: warning: x: the video ends after 2.0 of 8.0 seconds",
            ]
        )


def test_the_page_translates_as_the_library_does(tmp_path: Path) -> None:
    """Two pieces of code, one catalogue."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    texts = [filled(english) for english in CHINESE]
    texts += [f"{name}: {text}" for text in texts for name in ("clip.mp4", "a: b.png")]
    texts += [
        "",
        "of no kind known",
        "a: " * 500,
        "a is left out: b is empty; c",
        "THE FILE IS EMPTY",
    ]
    script = tmp_path / "all.mjs"
    script.write_text(
        "import { readFileSync } from 'node:fs';\n"
        f"import {{ translator }} from {json.dumps(MODULE.as_uri())};\n"
        "const [catalogue, texts] = JSON.parse(readFileSync(0, 'utf-8'));\n"
        "console.log(JSON.stringify(texts.map(translator(catalogue))));\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [node, "--experimental-default-type=module", str(script)],
        input=json.dumps([CHINESE, texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [in_chinese(text) for text in texts]
