"""Documents that LibreOffice makes of flat OpenDocument: real ones of every form, composed here."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{place}:1.0"'
    for name, place in (
        ("office", "office"),
        ("text", "text"),
        ("draw", "drawing"),
        ("svg", "svg-compatible"),
        ("table", "table"),
        ("style", "style"),
        ("fo", "xsl-fo-compatible"),
    )
)
_STYLES = (
    '<office:automatic-styles><style:page-layout style:name="L"><style:page-layout-properties '
    'fo:page-width="21cm" fo:page-height="15cm" fo:margin="1cm"/></style:page-layout>'
    '</office:automatic-styles><office:master-styles><style:master-page style:name="Standard" '
    'style:page-layout-name="L"/></office:master-styles>'
)
FORMS = {"odt": "text", "docx": "text", "odp": "presentation", "pptx": "presentation"}
FORMS |= {"ods": "spreadsheet", "xlsx": "spreadsheet"}


def soffice(tmp_path: Path) -> list[str]:
    """The command that starts LibreOffice without windows; skips where it is not installed."""
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed: no document is converted with it")
    home = f"-env:UserInstallation={(tmp_path / 'libreoffice').as_uri()}"
    return ["soffice", home, "--headless", "--norestore", "--nolockcheck"]


def convert(command: Sequence[str], paths: Sequence[Path], form: str, out: Path) -> None:
    """Convert files into another form, all by one process; some may not come out."""
    environment = {**os.environ, "SAL_USE_VCLPLUGIN": "svp"}
    with_form = [*command, "--convert-to", form, "--outdir", str(out), *map(str, paths)]
    subprocess.run(with_form, env=environment, timeout=1200, check=False, capture_output=True)


def flat(kind: str, pictures: Sequence[bytes]) -> bytes:
    """A text, a presentation or a spreadsheet with pictures, as flat OpenDocument."""

    def frame(at: int, data: bytes, anchor: str = "") -> str:
        letters = base64.b64encode(data).decode()
        return (
            f'<draw:frame {anchor} svg:x="{1 + 6 * at}cm" svg:y="3cm" svg:width="5.2cm" '
            f'svg:height="6cm"><draw:image><office:binary-data>{letters}</office:binary-data>'
            "</draw:image></draw:frame>"
        )

    words = "<text:p>The quick brown fox jumps over the lazy dog. Zażółć gęślą jaźń. 漢字</text:p>"
    if kind == "text":
        char = 'text:anchor-type="as-char"'
        inner = "".join(f"{words}<text:p>{frame(0, one, char)}</text:p>{words}" for one in pictures)
    elif kind == "presentation":
        shown = "".join(frame(at, one) for at, one in enumerate(pictures))
        inner = (
            f'<draw:page draw:name="a" draw:master-page-name="Standard">{shown}<draw:frame '
            'svg:x="1cm" svg:y="11cm" svg:width="18cm" svg:height="2cm"><draw:text-box>'
            f"{words}</draw:text-box></draw:frame></draw:page>"
        )
    else:
        cells = "".join(
            f'<table:table-row><table:table-cell office:value-type="string">{words}'
            f"{frame(at, one)}</table:table-cell></table:table-row>"
            for at, one in enumerate(pictures)
        )
        inner = f'<table:table table:name="S"><table:table-column/>{cells}</table:table>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_SPACES} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.{kind}">{_STYLES}<office:body>'
        f"<office:{kind}>{inner}</office:{kind}></office:body></office:document>"
    ).encode()


def composed(command: Sequence[str], folder: Path, pictures: Sequence[bytes]) -> list[Path]:
    """One document of each form, with the same pictures in it."""
    paths = []
    for form, kind in FORMS.items():
        source = folder / f"of_{form}.fod{kind[0]}"
        source.write_bytes(flat(kind, pictures))
        convert(command, [source], form, folder)
        paths.append(source.with_suffix(f".{form}"))
    return paths
