"""Is a scanned PDF as fast as its pages are as JPEG files?

    python benchmarks/documents.py [--pages 200]

Composes pages of A4 at 150 dpi with lines of digits and the astronaut somewhere among them.
Each way runs in a process of its own with one thread: processor time and the most memory it held.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import pikepdf
from pikepdf import Dictionary, Name
from skimage.data import astronaut

import faceveil

WIDTH, HEIGHT, DPI = 1240, 1754, 150


def sheet(seed: int) -> bytes:
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
    noisy = page + random.normal(0, 3, page.shape)
    return cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8), [1, 80])[1].tobytes()


def compose(folder: Path, pages: int) -> None:
    """``scan.pdf``, and its pages as files."""
    with pikepdf.new() as pdf:
        for number in range(pages):
            data = sheet(number)
            (folder / f"{number:04}.jpg").write_bytes(data)
            picture = pdf.make_stream(data)
            picture.Type, picture.Subtype = Name.XObject, Name.Image
            picture.Filter, picture.ColorSpace = Name.DCTDecode, Name.DeviceRGB
            picture.Width, picture.Height, picture.BitsPerComponent = WIDTH, HEIGHT, 8
            size = WIDTH * 72 / DPI, HEIGHT * 72 / DPI
            page = pdf.add_blank_page(page_size=size).obj
            page.Resources = Dictionary(XObject=Dictionary(I=picture))
            page.Contents = pdf.make_stream(f"{size[0]} 0 0 {size[1]} 0 0 cm /I Do".encode())
        pdf.save(folder / "scan.pdf")


def work(files: list[Path], out: Path) -> tuple[float, float, int]:
    """Seconds of processor time, most megabytes, and faces."""
    options = faceveil.Options(threads=1)
    began = time.process_time()
    tracks = sum(faceveil.veil_file(path, out, options).tracks for path in files)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.process_time() - began, most, tracks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=200)
    asked = parser.parse_args()
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        compose(folder, asked.pages)
        seconds = {}
        ways = {"JPEG files": sorted(folder.glob("*.jpg")), "PDF": [folder / "scan.pdf"]}
        for name, files in ways.items():
            with apart.Pool(1) as pool:
                out = folder / name
                out.mkdir()
                seconds[name], most, tracks = pool.apply(work, (files, out))
            rate = asked.pages / seconds[name]
            print(f"{name}: {rate:.2f} pages a second, {most:.0f} MB, {tracks} faces", flush=True)
        print(f"PDF at {seconds['JPEG files'] / seconds['PDF']:.2f} of the speed of JPEG files")


if __name__ == "__main__":
    main()
