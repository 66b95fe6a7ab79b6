"""A message travels, is put into the language of who reads it, and a language is a file."""

from __future__ import annotations

import copy
import errno
import json
import pickle
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import catalogue
from faceveil import i18n
from faceveil.batch.apart import outcome_of
from faceveil.cli.ui import UI
from faceveil.errors import FaceVeilError, UnreadableError, UsageError
from faceveil.i18n import (
    Message,
    accepted,
    from_data,
    language_of,
    languages,
    reason_of,
    say,
    spoken,
    to_data,
    translated,
    words_of,
)
from faceveil.i18n import (
    catalogue as catalogue_in,
)
from faceveil.i18n.po import read_po
from faceveil.i18n.validation import fault_of
from faceveil.options import Options

FOLDER = Path(i18n.__file__).parent


class TestPo:
    def test_what_translators_tools_write(self, tmp_path: Path) -> None:
        path = tmp_path / "xx.po"
        path.write_text(
            '# A comment\nmsgid ""\nmsgstr ""\n"Language: xx\\n"\n\n'
            '#. for translators\n#: a.py:12\nmsgid "one {name}"\nmsgstr ""\n"uno "\n"{name}"\n\n'
            '#, fuzzy\nmsgid "two"\nmsgstr "dos?"\n\n'
            'msgid "three"\nmsgstr ""\n\n'
            'msgid "say \\"four\\"\\n"\nmsgstr "di \\"cuatro\\"\\n"\n\n'
            '#~ msgid "five"\n#~ msgstr "cinco"\n',
            encoding="utf-8",
        )
        assert read_po(path) == {"one {name}": "uno {name}", 'say "four"\n': 'di "cuatro"\n'}

    @pytest.mark.parametrize("text", ["msgid 'a'", 'msgid "a', "hello", 'msgstr[0] "a"'])
    def test_what_is_no_catalogue_is_refused(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "xx.po"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"xx\.po"):
            read_po(path)


LATE = say("the video ends after {seconds:.1f} of {declared:.1f} seconds", seconds=2, declared=8)
LATE_ZH = "视频应有 8.0 秒，到第 2.0 秒就结束了"


def test_a_catalogue_is_begun_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "xx.po"
    assert catalogue.update(path, {"a {name}", 'say "b"'}) == 2
    assert read_po(path) == {}
    path.write_text(
        "# Mine\n"
        + path.read_text(encoding="utf-8").replace(
            'msgstr ""\n\nmsgid "say', 'msgstr "x {name}"\n\nmsgid "say'
        ),
        encoding="utf-8",
    )
    assert catalogue.update(path, {"a {name}", "c"}) == 1
    assert read_po(path) == {"a {name}": "x {name}"}
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Mine\n")
    assert 'msgid "c"\nmsgstr ""\n' in text


class TestMessage:
    def test_it_is_its_english_text(self) -> None:
        assert LATE == "the video ends after 2.0 of 8.0 seconds"
        assert isinstance(LATE, str)
        assert {"the video ends after 2.0 of 8.0 seconds": 1}[LATE] == 1
        assert json.dumps(LATE) == '"the video ends after 2.0 of 8.0 seconds"'

    def test_it_is_translated(self) -> None:
        assert translated(LATE, "zh") == LATE_ZH
        assert translated(LATE, "en") == translated(LATE, "tlh") == LATE
        assert translated(str(LATE), "zh") == LATE_ZH

    def test_messages_in_messages(self) -> None:
        left_out = say(
            "{name} is left out: {reason}", name="a.jpg", reason=say("the file is empty")
        )
        told = say("{name}: {what}", name="b.jpg", what="x")
        both = say("no file of the archive could be done: {warnings}", warnings=[left_out, told])
        assert both == (
            "no file of the archive could be done: a.jpg is left out: the file is empty; b.jpg: x"
        )
        assert translated(both, "zh") == (
            "压缩包中没有一个文件处理成功：未包含 a.jpg：文件是空的；b.jpg：x"
        )

    def test_what_is_put_in_stays_as_it_is(self) -> None:
        """A value stays as it is, even if it looks like a message, or like holes."""
        for name in ("the file is empty", "{what}", "{name}; {what}", "comment", "a: b"):
            told = say("{name}: {what}", name=name, what=say("the file is empty"))
            assert told == f"{name}: the file is empty"
            assert translated(told, "zh") == f"{name}：文件是空的"

    @pytest.mark.parametrize(
        "text", ["", "of no kind known", "the file is empty", "漏检", "{name}"]
    )
    def test_a_plain_text_stays_as_it_is(self, text: str) -> None:
        assert translated(text, "zh") == text

    def test_a_value_that_is_missing_is_a_fault(self) -> None:
        with pytest.raises(KeyError):
            say("{name} is gone")

    def test_exceptions_hand_it_on(self) -> None:
        inner = UnreadableError(say("the file is empty"))
        outer = say("{name} is left out: {reason}", name="a", reason=inner)
        assert translated(outer, "zh") == "未包含 a：文件是空的"
        assert translated(words_of(ValueError(LATE)), "zh") == LATE_ZH
        assert words_of(ValueError("two\n  lines")) == "two lines"

    def test_what_the_system_says(self) -> None:
        reason = reason_of(PermissionError(errno.EACCES, "Permission denied", "/secret"))
        assert (reason, translated(reason, "zh")) == ("permission denied", "没有权限")
        own = reason_of(OSError(errno.ELOOP, say("it is a link")))
        assert translated(own, "zh") == "它是一个链接"
        assert reason_of(OSError("x")) == "unknown error"

    @pytest.mark.parametrize(
        ("given", "chinese"),
        [
            ({"cells": 99}, "应小于或等于 64"),
            ({"confidence": 2.0}, None),
            ({"audio": "none"}, "应为“copy”或“drop”"),
            ({"method": "none"}, "应为“blur”、“pixelate”、“solid”、“cartoon”或“gaussian”"),
            ({"gaussian_passes": 3}, "应为 1 或 2"),
            ({"zones": ["1,2,3"]}, None),
            ({"cells": "many"}, "应为整数，这段文字不是整数"),
            ({"cells": 20}, None),
            ({"unheard_of": 1}, "不允许有此项"),
        ],
    )
    def test_what_pydantic_says(self, given: dict[str, Any], chinese: str | None) -> None:
        with pytest.raises(ValidationError) as caught:
            Options.model_validate(given)
        (fault,) = caught.value.errors()
        words = fault_of(fault)
        assert str(fault["msg"]).endswith(words)
        assert re.search("[\u4e00-\u9fff]", translated(words, "zh"))
        assert chinese is None or translated(words, "zh") == chinese


NESTED = say(
    "{name}: {what}",
    name="a {hole}",
    what=say("no file of the archive could be done: {warnings}", warnings=[LATE, "plain"]),
)


def _raised(words: str) -> FaceVeilError:
    raise UsageError(words, say("Try again."))


class TestTravel:
    """A message is one wherever it arrives."""

    def test_copies(self) -> None:
        for made in (
            pickle.loads(pickle.dumps(NESTED)),
            copy.copy(NESTED),
            copy.deepcopy(NESTED),
            from_data(json.loads(json.dumps(to_data(NESTED)))),
        ):
            assert isinstance(made, Message)
            assert made == NESTED
            assert translated(made, "zh") == translated(NESTED, "zh") != NESTED

    def test_json_of_a_plain_text_is_the_text(self) -> None:
        assert to_data("a") == from_data("a") == "a"
        for wrong in (None, 3, ["a"], {"id": "a"}, {"id": 1, "values": {}}):
            with pytest.raises(ValueError, match="no message"):
                from_data(wrong)

    @pytest.mark.slow
    def test_through_an_exception_in_another_process(self) -> None:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            error = pool.submit(outcome_of, _raised, NESTED).result()
        assert isinstance(error, UsageError)
        assert translated(words_of(error), "zh") == translated(NESTED, "zh")
        assert isinstance(error.advice, Message)


class TestLanguage:
    @pytest.mark.parametrize(
        ("environment", "language"),
        [
            ({}, "en"),
            ({"LANG": "zh_CN.UTF-8"}, "zh"),
            ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh-Hant"),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
            ({"LANG": "sr_RS@latin"}, "en"),
            ({"LANG": "../zh"}, "en"),
        ],
    )
    def test_of_a_terminal(self, environment: dict[str, str], language: str) -> None:
        assert spoken(environment) == language

    @pytest.mark.parametrize(
        ("header", "language"),
        [
            ("", "en"),
            ("*", "en"),
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
            ("en;q=0.2, zh-Hant-TW;q=0.7", "zh-Hant"),
            ("zh-HK", "zh-Hant"),
            ("zh-Hans-HK", "zh"),
            ("zhx, en", "en"),
            ("zh;q=0, en", "en"),
            ("fr, zh;q=0.1", "zh"),
            ("zh;q=abc", "en"),
            ("zh;q=nan", "en"),
            (";;,,=;q=1" * 50, "en"),
        ],
    )
    def test_of_a_request(self, header: str, language: str) -> None:
        assert accepted(header) == language

    def test_english_comes_first(self) -> None:
        assert languages() == ("en", "zh", "zh-Hant")
        assert language_of(["en-GB", "zh"]) == "en"


def test_what_a_script_lacks_is_read_in_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = say("the file is empty")
    assert translated(told, "zh-Hant") == "檔案是空的"
    catalogues = {"zh.po": {told.id: "文件是空的"}, "zh-Hant.po": {}}
    monkeypatch.setattr("faceveil.i18n.read_po", lambda path: catalogues[path.name])
    catalogue_in.cache_clear()
    try:
        assert translated(told, "zh-Hant") == "文件是空的"
    finally:
        catalogue_in.cache_clear()


class TestCommandLine:
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_it_speaks_the_users_language(
        self,
        language: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("LC_ALL", f"{language}.UTF-8")
        ui = UI()
        broken = say("the {format} data is cut off", format="PNG")
        ui.error(UnreadableError(broken, say("Get a complete copy of the file.")), "x")
        ui.warn(say("{name}: {what}", name="x", what=LATE))
        ui.result("x: the file is empty")
        out, errors = capsys.readouterr()
        assert out == "x: the file is empty\n"
        assert errors.splitlines() == (
            [
                "faceveil: x：PNG 数据不完整，缺少后面的部分",
                "faceveil: 请取得完整的文件。",
                f"faceveil: 警告：x：{LATE_ZH}",
            ]
            if language == "zh"
            else [
                "faceveil: x: the PNG data is cut off",
                "faceveil: Get a complete copy of the file.",
                f"faceveil: warning: x: {LATE}",
            ]
        )


@pytest.fixture
def esperanto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A language that was added: one more file."""
    for path in FOLDER.glob("*.po"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "eo.po").write_text(
        'msgid ""\nmsgstr ""\n"Language: eo\\n"\n\n'
        'msgid "the file is empty"\nmsgstr "la dosiero estas malplena"\n\n'
        'msgid "{name}: {what}"\nmsgstr "{name} – {what}"\n\n'
        'msgid "there is no such job, or it is gone"\nmsgstr "ne estas tia tasko"\n\n'
        'msgid "Cancel"\nmsgstr "Nuligi"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(i18n, "_FOLDER", tmp_path)
    languages.cache_clear()
    i18n.catalogue.cache_clear()
    yield
    languages.cache_clear()
    i18n.catalogue.cache_clear()


@pytest.mark.usefixtures("esperanto")
class TestALanguageMore:
    def test_in_the_terminal(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("LC_ALL", "eo.UTF-8")
        ui = UI()
        ui.error(UnreadableError(say("the file is empty")), "x.jpg")
        ui.note(say("stopped"))  # not translated yet
        assert capsys.readouterr().err.splitlines() == [
            "faceveil: x.jpg – la dosiero estas malplena",
            "faceveil: stopped",
        ]

    def test_in_the_service(self, tmp_path: Path) -> None:
        testclient = pytest.importorskip("starlette.testclient", reason="no extra server")
        from faceveil.server.app import create_app
        from faceveil.server.queue import JobQueue
        from faceveil.server.settings import Service
        from faceveil.server.store import Store

        store = Store(tmp_path / "jobs")
        app = create_app(Service(), {}, store, JobQueue(store.folder), "token")
        api = testclient.TestClient(app, base_url="http://127.0.0.1:8765")
        api.headers["Authorization"] = "Bearer token"
        none = f"/api/jobs/{'a' * 22}"
        said = {
            language: api.get(none, headers={"Accept-Language": language}).json()["detail"]
            for language in ("eo", "en", "zh-CN", "fr")
        }
        assert said == {
            "eo": "ne estas tia tasko",
            "en": "there is no such job, or it is gone",
            "zh-CN": "没有这个任务，或它已经不在了",
            "fr": "there is no such job, or it is gone",
        }
        wanted = api.get(none, params={"lang": "eo"}, headers={"Accept-Language": "zh"})
        assert wanted.json()["detail"] == "ne estas tia tasko"
        assert api.get("/static/i18n/languages.json").json() == ["en", "eo", "zh", "zh-Hant"]
        page = api.get("/static/i18n/eo.json").json()
        assert page["action.cancel"] == "Nuligi"
        assert page["action.download"] == "Download"


def test_what_is_known_of_a_job_is_told_in_the_language_of_each_request(tmp_path: Path) -> None:
    """As a worker has stored it, in another process, perhaps long ago."""
    testclient = pytest.importorskip("starlette.testclient", reason="no extra server")
    from faceveil.server.app import create_app
    from faceveil.server.problems import problem
    from faceveil.server.queue import JobQueue
    from faceveil.server.settings import Service
    from faceveil.server.store import Record, Store, new_id

    store = Store(tmp_path / "jobs")
    now = time.time()
    record = Record(
        id=new_id(),
        batch=new_id(),
        name="a.mp4",
        state="failed",
        created=now,
        ended=now,
        original_until=now + 60,
        keep_seconds=60,
        longest=60,
        problem=problem(422, "unreadable", say("the file is empty"), say("Try again.")),
        warnings=(LATE, "words of before there were messages"),
        notes=(say("written as {format}", format="MP4"),),
        dropped=("GPS", say("subtitles")),
    )
    store.publish(store.stage(), record)
    stored = store.load(record.id)
    assert stored == record
    assert translated(stored.warnings[0], "zh") == LATE_ZH

    def told(job: dict[str, Any]) -> list[str]:
        return [job["problem"]["detail"], *job["warnings"], *job["notes"], *job["dropped"]]

    old = "words of before there were messages"
    english = ["the file is empty", str(LATE), old, "written as MP4", "GPS", "subtitles"]
    chinese = ["文件是空的", LATE_ZH, old, "已写成 MP4", "GPS", "字幕"]
    app = create_app(Service(), {}, store, JobQueue(store.folder), "token")
    with testclient.TestClient(app, base_url="http://127.0.0.1:8765") as api:
        api.headers["Authorization"] = "Bearer token"
        for language, expected in (("zh", chinese), ("en", english), ("zh", chinese)):
            headers = {"Accept-Language": language}
            one = api.get(f"/api/jobs/{record.id}", headers=headers).json()
            (listed,) = api.get("/api/jobs", headers=headers).json()["jobs"]
            events = api.get(f"/api/jobs/{record.id}/events", params={"lang": language}).text
            (event,) = re.findall(r"^data: (.*)$", events, re.MULTILINE)
            assert told(one) == told(listed) == told(json.loads(event)) == expected
            refused = api.post(f"/api/jobs/{record.id}/cancel", headers=headers).json()
            assert refused["advice"] == translated(say("Discard it, or leave it."), language)
