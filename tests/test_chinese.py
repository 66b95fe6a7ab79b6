"""All words for people are messages, and all messages are in Chinese, or whatever else there is."""

from __future__ import annotations

import ast
import io
import re
import textwrap
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

import catalogue
import faceveil
import messages
from faceveil.i18n import translated
from faceveil.i18n.po import read_po
from faceveil.i18n.validation import first_fault
from trees import nodes

PACKAGE = Path(faceveil.__file__).parent
FOLDER = PACKAGE / "i18n"
CATALOGUES = {path.stem: read_po(path) for path in FOLDER.glob("*.po")}
NO_MESSAGES = {
    # help texts, which are in English
    *("on unless told otherwise", "default {0}", "default {0}, or the preset's"),
    *("ok, or partial: there are warnings", "Different faces that were covered"),
    "How many warnings the report has",
    # the API to read, which is in English
    "{0} ({1}, required)",
    # what a detector is called in reports
    *("{0} on {1}{2}", " ({0} there)", "{0} is not", "no accelerator", " ({0} failed)"),
    # keys of words
    *("no output", "with warnings", "sha256 in", "sha256 out", "settings sha256"),
    "further picture stream",
    *("{0} px", "FaceVeil {0} · {1}"),
    # words of others that are looked for or handed on
    *("Capture screen 0", "faceveil: {0}\n"),
    "faceveil {0}",  # the first line of --version
    # what a page of a PDF draws
    "q Q cm Do sh gs scn SCN BI ID EI m l c v y re h n S s f F f* B B* b b* Tf",
    *("{0} 0 0 {1} 0 0 cm /I Do", "{0} 0 0 {1} 0 0 cm /Page Do"),
    # types, and what only a programmer sees
    *("str | Sequence[Value]", "no message"),
}
HEADER = re.compile(r"^bytes [*{]|^[a-z]+(-src|=| ?/?[a-z-]+;)|'self'|\r\n")
"""Texts of HTTP."""
HOLE = re.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
def ids() -> set[str]:
    return messages.ids(PACKAGE)


class TestCode:
    def test_messages_and_forgotten_words_are_found(self) -> None:
        code = textwrap.dedent("""
            def work(name, error, count, *, help="not a message"):
                \'\'\'Not a message.\'\'\'
                assert name, "not a message"
                warnings.append(f"{name} is " + ("gone" if count else f"late by {count:.1f} s"))
                if count:
                    raise UsageError(say("it was {count:.1f} s", count=count), "Try again.")
                print("not a message", Field(help="not a message"), "not", "sha256")
                raise RuntimeError("not a message")
        """)
        ((id, given, *_),) = messages.said_by(code, "a.py")
        assert (id, set(given)) == ("it was {count} s", {"count"})
        assert messages.forgotten_by(code, "a.py") == [
            "{0} is gone",
            "{0} is late by {1} s",
            "Try again.",
        ]
        assert messages.forgotten_by("yield 'comment'", "media/metadata/a.py") == ["comment"]
        assert messages.forgotten_by("say('{a} b c', a=f'of {b}')", "a.py") == ["of {0}"]

    def test_words_that_are_put_together_are_refused(self) -> None:
        for code in ("say(f'a {b}')", "say('a ' + b)", "say(words)"):
            with pytest.raises(ValueError, match=r"a\.py, line 1"):
                messages.said_by(code, "a.py")

    def test_all_words_for_people_are_messages(self) -> None:
        words = messages.forgotten_in(PACKAGE)
        forgotten = {
            text: module
            for text, module in words.items()
            if text not in NO_MESSAGES and not HEADER.search(text)
        }
        assert forgotten == {}, "say(...) them, and translate them in src/faceveil/i18n/*.po"
        assert words.keys() >= NO_MESSAGES

    def test_every_hole_is_given_its_value(self) -> None:
        wrong = [
            one
            for one in messages.said_in(PACKAGE)
            if {f"{{{n}}}" for n in one.given} != set(HOLE.findall(one.id))
        ]
        assert wrong == []

    def test_the_same_words_have_the_same_holes(self, ids: set[str]) -> None:
        """Or a catalogue would have to know them twice."""
        known: dict[str, str] = {}
        for id in ids:
            assert known.setdefault(HOLE.sub("{}", id), id) == id

    def test_nothing_looks_for_words_in_a_message(self) -> None:
        """Code recognizes a message by its parts, never by its text."""
        lookers = {"split", "rsplit", "partition", "rpartition", "startswith", "endswith"}
        lookers |= {"removeprefix", "removesuffix", "find", "index", "replace", "sub", "match"}
        found = []
        for path in PACKAGE.rglob("*.py"):
            for node in nodes(path):
                match node:
                    case ast.Call(
                        func=ast.Attribute(attr=name), args=[ast.Constant(value=str(words)), *_]
                    ) if name in lookers and re.search(r"[a-z]{3,} [a-z]{2,}|[,;] $", words):
                        found.append((path.name, node.lineno))
                    case ast.Compare(left=ast.Constant(value=str(words)), ops=[ast.In()]) if (
                        re.search(r"[a-z]{3,} [a-z]{2,}", words)
                    ):
                        found.append((path.name, node.lineno))
        assert found == []


@pytest.mark.parametrize("language", CATALOGUES)
class TestCatalogue:
    def test_every_message_has_its_translation(self, language: str, ids: set[str]) -> None:
        missing = ids - CATALOGUES[language].keys()
        if "-" in language:  # another script: it may lag behind the usual one, a little
            assert len(missing) < len(ids) / 20
            return
        assert missing == set(), f"translate them in src/faceveil/i18n/{language}.po"

    def test_no_translation_is_left_over(self, language: str, ids: set[str]) -> None:
        known = ids | messages.of_others() | {"; "}
        left_over = CATALOGUES[language].keys() - known
        assert len(left_over) <= (len(ids) / 20 if "-" in language else 0), left_over

    def test_a_translation_puts_in_the_same(self, language: str) -> None:
        for english, words in CATALOGUES[language].items():
            assert set(HOLE.findall(words)) == set(HOLE.findall(english)), english

    def test_it_is_in_its_one_form(self, language: str) -> None:
        path = FOLDER / f"{language}.po"
        text, known = path.read_text(encoding="utf-8"), CATALOGUES[language]
        assert catalogue.updated(text, language, known, known.keys()) == text, (
            f"python tests/catalogue.py {language}"
        )

    def test_other_tools_read_the_same(self, language: str) -> None:
        pofile = pytest.importorskip("babel.messages.pofile", reason="Babel is not installed")
        text = (FOLDER / f"{language}.po").read_bytes()
        read = pofile.read_po(io.BytesIO(text), abort_invalid=True)
        assert {one.id: one.string for one in read if one.id} == CATALOGUES[language]
        assert str(read.locale).replace("_", "-").startswith(language)


def test_translations_are_written_as_chinese_is() -> None:
    latin, han = r"([A-Za-z0-9]|\{\w+\})", r"[\u4e00-\u9fff]"
    keys = re.compile(r"(\W|\d|[DFGHKMNOSZ]|Ctrl|Delete|Down|Esc|Page|Shift|Tab|Up)*")
    # These hold Chinese, and what is put in where they stand goes on with the sentence.
    chinese_holes = re.compile(r"\{(problem|time|what|why)\}|(?<=查看)\{name\}")
    for english, chinese in CATALOGUES["zh"].items():
        assert re.search(han, chinese) or keys.fullmatch(HOLE.sub("", english)), english
        written = chinese_holes.sub("人", chinese.replace("左,上,右,下", ""))
        # Latin letters and figures stand apart, and punctuation is Chinese beside Chinese.
        assert not re.search(rf"{han}{latin}|{latin}{han}", written), chinese
        assert not re.search(rf"{han}[,:;.!?]|[,:;!?]{han}", written), chinese
        advice = english[0].isupper() and re.search(r"[a-z]{3}.*\.$", english)
        assert chinese.endswith("。") or not advice, chinese


@pytest.mark.parametrize("language", ["zh", "zh-Hant"])
@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        '{"a":01}',
        '{"a":"\x01"}',
        r'{"a":"\x"}',
        r'{"a":"\ud800"}',
        "[" * 300,
        b'{"a":"\xff"}',
    ],
)
def test_all_that_is_wrong_with_json_is_told(broken: str | bytes, language: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(object).validate_json(broken)
    told = translated(first_fault(caught.value.errors()), language)
    assert not re.search("(?<![A-Za-z])[a-z]{3}", told), told
