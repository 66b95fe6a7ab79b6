"""Is a scanned PDF as fast as its pages are as JPEG files?

    python benchmarks/documents.py [--pages 200] [--dpi 150] [--threads 1]

Composes pages of A4 with lines of digits and the astronaut somewhere among them. Each way is the
command, as somebody types it: processor time, the most memory it held, and how often it was made
again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pikepdf
from pikepdf import Dictionary, Name
from skimage.data import astronaut

WIDTH, HEIGHT, DPI = 1240, 1754, 150


def sheet(seed: int, dpi: int) -> bytes:
    """A page as a scanner makes it, as JPEG."""
    random = np.random.default_rng(seed)
    page = np.full((HEIGHT, WIDTH, 3), 246, np.uint8)
    for line in range(40):
        words = " ".join(f"{word:05}" for word in random.integers(0, 99999, 12))
        where = (90, 120 + 40 * line)
        cv2.putText(page, words, where, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (40, 40, 40), 2)
    side, x, y = (int(random.integers(*span)) for span in ((200, 420), (80, 700), (100, 1200)))
    photo = np.ascontiguousarray(astronaut()[..., ::-1])
    small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    page[y : y + side, x : x + side] = small
    scanned = cv2.resize(page, size_at(dpi), interpolation=cv2.INTER_CUBIC)
    noisy = scanned + random.normal(0, 3, scanned.shape)
    return cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8), [1, 80])[1].tobytes()


def size_at(dpi: int) -> tuple[int, int]:
    """Width and height of a page in pixels."""
    return round(WIDTH * dpi / DPI), round(HEIGHT * dpi / DPI)


def compose(folder: Path, pages: int, dpi: int) -> None:
    """``scan.pdf``, and its pages as files."""
    width, height = size_at(dpi)
    with pikepdf.new() as pdf:
        for number in range(pages):
            data = sheet(number, dpi)
            (folder / f"{number:04}.jpg").write_bytes(data)
            picture = pdf.make_stream(data)
            picture.Type, picture.Subtype = Name.XObject, Name.Image
            picture.Filter, picture.ColorSpace = Name.DCTDecode, Name.DeviceRGB
            picture.Width, picture.Height, picture.BitsPerComponent = width, height, 8
            size = width * 72 / dpi, height * 72 / dpi
            page = pdf.add_blank_page(page_size=size).obj
            page.Resources = Dictionary(XObject=Dictionary(I=picture))
            page.Contents = pdf.make_stream(f"{size[0]} 0 0 {size[1]} 0 0 cm /I Do".encode())
        pdf.save(folder / "scan.pdf")


def work(files: list[Path], out: Path, threads: int) -> tuple[float, float, int, int]:
    """Seconds of processor time, most megabytes, faces, and repairs."""
    report = out / "report.jsonl"
    command: list[str | Path] = [sys.executable, "-m", "faceveil", "veil", *files, "-o", f"{out}/"]
    command += ["--jobs", "1", "--threads", str(threads), "--report", report]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the command ended with {os.waitstatus_to_exitcode(status)}")
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    tracks = sum(line["tracks"] for line in lines)
    repairs = sum(line["check"]["repairs"] for line in lines)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, tracks, repairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--dpi", type=int, default=DPI)
    parser.add_argument("--threads", type=int, default=1, help="0: all cores")
    asked = parser.parse_args()
    # What a process held is counted for those that it starts, too.
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with apart.Pool(1) as pool:
            pool.apply(compose, (folder, asked.pages, asked.dpi))
        seconds = {}
        ways = {"JPEG files": sorted(folder.glob("*.jpg")), "PDF": [folder / "scan.pdf"]}
        for name, files in ways.items():
            out = folder / name
            out.mkdir()
            seconds[name], most, tracks, repairs = work(files, out, asked.threads)
            rate = asked.pages / seconds[name]
            print(f"{name}: {rate:.2f} pages a second, {most:.0f} MiB, {tracks} faces, ", end="")
            print(f"{repairs} repairs", flush=True)
        print(f"PDF at {seconds['JPEG files'] / seconds['PDF']:.2f} of the speed of JPEG files")


if __name__ == "__main__":
    main()
