"""The report as a page to read and print: one file, no script, nothing fetched.

It is in English and in the language of whoever asked for it, side by side, because its signer and
its reader may not share a language. Who asked in English gets Chinese beside it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from html import escape
from importlib.resources import files

from faceveil.evidence.words import LIMITS, MODES, ORIGINS, REASONS, STATUS, VERIFY, WORDS
from faceveil.i18n import ENGLISH, Message, say, translated
from faceveil.options import Options
from faceveil.report import Checked, Report, TrackFacts
from faceveil.system.text import utf8

_COMMA = say(", ")
BESIDE_ENGLISH = "zh"
_beside = ContextVar("beside", default=BESIDE_ENGLISH)
"""The language beside English on the page at hand."""
ROWS = 40
"""Rows of a file's table of faces; the rest is in the JSON report."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Sheet = Sequence[bytes]


def page(entries: Sequence[tuple[Report, Sheet]], language: str = ENGLISH) -> str:
    """The page of a run: a summary, then a section for each file.

    Args:
        entries: each file's report, and JPEG files of its output.
        language: of whoever asked for it.
    """
    _beside.set(BESIDE_ENGLISH if language == ENGLISH else language)
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    reports = [report for report, _ in entries]
    whole = "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">\n<title>FaceVeil report</title>',
            f"<style>\n{style}</style>\n</head>\n<body>",
            f"<h1>{_say('title')}</h1>",
            f'<p class="lead">{_origin(reports)}</p>',
            _cards(_totals(reports)),
            _overview(reports) if len(reports) > 1 else "",
            *(_section(report, sheet) for report, sheet in entries),
            f"<footer>{_prose('limits', LIMITS)}{_prose('verify', VERIFY)}</footer>",
            "</body>\n</html>\n",
        ]
    )
    return utf8(whole)  # names on a disk need not be


def _say(key: str) -> str:
    """A label in both languages."""
    return _both(WORDS[key])


def _both(*messages: str, comma: Message = _COMMA) -> str:
    """Messages, one after the other, in both languages."""
    english = comma.join(messages)
    beside = _beside.get()
    other = translated(comma, beside).join(translated(one, beside) for one in messages)
    if all(translated(one, beside) == one for one in messages):
        return escape(english)
    return f'{escape(english)}<span lang="{beside}">{escape(other)}</span>'


def _prose(key: str, lines: Iterable[str]) -> str:
    items = (f"<li>{_both(line)}</li>" for line in lines)
    return f"<h3>{_say(key)}</h3><ul>{''.join(items)}</ul>"


def _name(text: str) -> str:
    # A name may be written from right to left, and must not turn what follows it.
    return f"<bdi>{escape(text)}</bdi>"


def _status(report: Report) -> str:
    return f'<span class="status {report.status}">{_both(STATUS[report.status])}</span>'


def _origin(reports: Sequence[Report]) -> str:
    versions = sorted({report.version for report in reports if report.version})
    dates = sorted({report.date for report in reports if report.date})
    when = " – ".join(dict.fromkeys((*dates[:1], *dates[-1:])))
    return escape(f"FaceVeil {', '.join(versions)} · {when}")


def _totals(reports: Sequence[Report]) -> dict[str, str]:
    counts = {key: sum(report.status == key for report in reports) for key in STATUS}
    blind = max((report.smallest_face_px for report in reports), default=0.0)
    return {
        "files": str(len(reports) - counts["skipped"]),
        "done": str(counts["ok"]),
        "with warnings": str(counts["partial"]),
        "no output": str(counts["failed"]),
        "covered": str(sum(report.tracks for report in reports)),
        "visible": str(sum(report.kept for report in reports)),
        "filled": str(sum(report.filled for report in reports)),
        "blind": f"{blind:.0f} px",
    }


def _cards(totals: Mapping[str, str]) -> str:
    cards = (f"<div><b>{value}</b><span>{_say(key)}</span></div>" for key, value in totals.items())
    return f'<div class="cards">{"".join(cards)}</div>'


def _overview(reports: Sequence[Report]) -> str:
    rows = [
        [
            _name(report.input),
            _status(report),
            str(report.tracks),
            str(report.kept),
            f"{report.smallest_face_px:.0f}",
            str(len(report.warnings) + len(report.findings)),
        ]
        for report in reports
    ]
    keys = ("input", "status", "covered", "visible", "blind", "remarks")
    return f"<h2>{_say('overview')}</h2>" + _table(keys, rows, numbers=2)


def _table(keys: Sequence[str], rows: Iterable[Sequence[str]], numbers: int) -> str:
    """A table of cells of HTML; those from column ``numbers`` on are set to the right."""
    kinds = ["" if at < numbers else ' class="number"' for at in range(len(keys))]

    def line(tag: str, cells: Iterable[str]) -> str:
        parts = (f"<{tag}{kind}>{cell}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))
        return f"<tr>{''.join(parts)}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', map(_say, keys))}</thead><tbody>{body}</tbody></table>"


def _section(report: Report, sheet: Sheet) -> str:
    pictures = "".join(
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        for picture in sheet
    )
    media = report.media
    parts = [
        f"<section>\n<h2>{_name(report.input)} {_status(report)}</h2>",
        f'<h3>{_say("sheet")}</h3><div class="sheet">{pictures}</div>' if sheet else "",
        _list("warnings", report.warnings, "warn"),
        _list("findings", [finding.words for finding in report.findings], "warn"),
        _facts(_about(report)),
        _sizes(report.sizes),
        _parts(report.faces_by_part),
        "" if media and media.parts else _faces(report.faces_over_time),
        f"<h3>{_say('how')}</h3>" + _facts(_how(report)),
        _list("notes", report.notes),
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _list(key: str, lines: Iterable[str], kind: str = "") -> str:
    items = "".join(f'<li class="{kind}">{_both(line)}</li>' for line in lines)
    return f"<h3>{_say(key)}</h3><ul>{items}</ul>" if items else ""


def _facts(rows: Mapping[str, str]) -> str:
    cells = (f"<tr><th>{_say(key)}</th><td>{cell}</td></tr>" for key, cell in rows.items() if cell)
    return f'<table class="facts"><tbody>{"".join(cells)}</tbody></table>'


def _about(report: Report) -> dict[str, str]:
    media, rows = report.media, {"output": _name(report.output) if report.output else ""}
    if media is not None:
        what = [f"{media.format.upper()}, {media.width} × {media.height}"]
        if media.parts or media.kind == "document":
            what = [media.format.upper()]
            what += [say("pages: {count}", count=report.pages)] * bool(report.pages)
            what += [say("pictures: {count}", count=report.pictures)] * (not report.pages)
        elif report.length:
            what.append(
                say("{frames} frames, {seconds:.1f} s", frames=report.frames, seconds=report.length)
            )
        rows |= {
            "media": _both(*what, comma=say("; ")),
            "covered": str(report.tracks),
            "visible": str(report.kept),
            "seen": str(report.faces),
            "filled": str(report.filled),
            "blind": f"{report.smallest_face_px:.0f} px",
            "dropped": _both(*report.dropped) or "–",
        }
    return rows | {
        "sha256 in": _hash(report.sha256_in),
        "sha256 out": _hash(report.sha256_out),
    }


def _how(report: Report) -> dict[str, str]:
    usual = Options().model_dump(mode="json")
    other = {
        key: value
        for key, value in report.options.items()
        if key not in usual or value != usual[key]
    }
    settings = ", ".join(f"{key} = {value}" for key, value in other.items())
    return {
        "method": escape(report.method),
        "settings": escape(settings) or "–" if report.options else "",
        "settings sha256": _hash(report.options_sha256),
        "detector": escape(report.detector),
        "weights": _hash(report.weights_sha256),
        "check": _checked(report.check) if report.check else "",
        "version": escape(report.version),
        "date": escape(report.date),
        "seconds": f"{report.seconds:.1f}" if report.seconds else "",
    }


def _checked(checked: Checked) -> str:
    if checked.mode == "off":
        return f'<span class="warn">{_say("unchecked")}</span>'
    said = [
        say(
            "{mode}: {frames} frames, by {detectors}",
            mode=MODES.get(checked.mode, checked.mode),
            frames=checked.frames,
            detectors=", ".join(checked.detectors),
        )
    ]
    if checked.repairs:
        said.append(
            say(
                "repairs: {repairs}, faces added: {added}",
                repairs=checked.repairs,
                added=checked.added,
            )
        )
    return _both(*said, comma=say("; "))


def _hash(value: str) -> str:
    return f'<span class="hash">{escape(value)}</span>' if value else ""


def _sizes(sizes: Mapping[str, int]) -> str:
    most = max(sizes.values(), default=0)
    if not most:
        return ""
    rows = (
        f"<tr><th>{escape(name)} px</th><td>"
        f'<span class="bar" style="width:{70 * count / most:.0f}%"></span>{count}</td></tr>'
        for name, count in sizes.items()
    )
    return f'<h3>{_say("sizes")}</h3><table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def _parts(places: Mapping[str, int]) -> str:
    """The pages and parts of a document on which faces are covered."""
    if not places:
        return ""
    rows = [[_both(name), str(count)] for name, count in [*places.items()][:ROWS]]
    more = f"<p>+ {len(places) - ROWS}: {_say('more')}</p>" if len(places) > ROWS else ""
    return f"<h3>{_say('parts')}</h3>" + _table(("part", "covered"), rows, numbers=1) + more


def _decision(face: TrackFacts) -> Iterator[str]:
    """The origin of a face, whether it is visible, why, and whose it is."""
    yield ORIGINS[face.origin]
    if face.kept:
        yield say("kept")
    if face.why:
        yield REASONS[face.why]
    if face.person:
        yield say("person {number}", number=face.person)


def _faces(faces: Sequence[TrackFacts]) -> str:
    if not any(face.last > 0 for face in faces):  # a still: the sizes say it all
        return ""
    rows = [
        [
            f"{face.id}",
            _both(*_decision(face)),
            f"{face.first}–{face.last}",
            str(face.seen),
            str(face.filled),
            f"{face.smallest_px:.0f}–{face.largest_px:.0f}",
            f"{face.score:.2f}",
        ]
        for face in faces[:ROWS]
    ]
    more = f"<p>+ {len(faces) - ROWS}: {_say('more')}</p>" if len(faces) > ROWS else ""
    keys = ("number", "origin", "frames", "seen", "filled", "pixels", "score")
    return f"<h3>{_say('faces')}</h3>" + _table(keys, rows, numbers=2) + more
