"""Does `--keep` show strangers, does it keep the person, and does `--hide` hide that person?

    python benchmarks/people.py FOLDER             # a folder with one subfolder for each person
    python benchmarks/people.py --single FOLDER    # any pictures: of each a person is made

With ``--single`` the largest face of each picture is a person, and that person's pictures are the
same one turned, enlarged, darkened, blurred, and encoded again. That tests the strangers, who are
different people; how well a person is known again in another year or light it cannot tell.

A photo is judged by its one look, a track of a video by up to five pictures of one person.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil import media
from faceveil.detect import load_detector, threshold
from faceveil.errors import InputError
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.media.memory import MemorySource
from faceveil.options import Options
from faceveil.people.chip import aligned
from faceveil.people.embedder import Points, embed_both, load_embedder
from faceveil.people.judge import Compared, Mode, distances, limit_of, verdict
from faceveil.people.stretches import Stretch, shortcoming
from faceveil.plan import Track

PHOTOS = (1, 3, 5)
MOST, DRAWS = 300, 40
"""Choices of reference photos: of all people together, and of one."""
LOOKS = 5
STRICTER = np.linspace(0.2, 0.6, 41)
People = Mapping[str, Points]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--single", action="store_true", help="make people of single pictures")
    parser.add_argument("--plot", type=Path, help="write the curve here, as SVG")
    args = parser.parse_args()
    people = composed(args.folder) if args.single else labeled(args.folder)
    several = sum(len(points) > 1 for points in people.values())
    print(f"{len(people)} people, {several} of them with several pictures that are good enough")
    curves = {}
    for count in PHOTOS:
        tries = list(drawn(people, count))
        if not tries:
            print(f"{count} photos: nobody has more pictures than that")
            continue
        for kind, still in (("photos", True), ("videos", False)):
            show(people, tries, count, kind, still, each=not args.single)
        curves[count] = curve(people, tries)
    if args.plot:
        draw(curves, args.plot)


def drawn(people: People, count: int) -> Iterator[tuple[str, Points, Points]]:
    """For each person some choices of photos: name, photos, the other pictures."""
    chance = np.random.default_rng(0)
    enough = {name: points for name, points in people.items() if len(points) > count}
    draws = min(DRAWS, max(MOST // max(len(enough), 1), 1))
    for name, points in enough.items():
        every = list(islice(combinations(range(len(points)), count), 5000))
        for number in chance.permutation(len(every))[:draws]:
            chosen = list(every[number])
            yield name, points[chosen], np.delete(points, chosen, axis=0)


def show(
    people: People,
    tries: Sequence[tuple[str, Points, Points]],
    count: int,
    kind: str,
    still: bool,
    each: bool,
) -> None:
    """Print how often each was visible, and if asked for of each person alone."""
    own: dict[str, list[bool]] = {"keep": [], "hide": []}
    strangers: dict[str, list[bool]] = {"keep": [], "hide": []}
    kept: dict[str, list[bool]] = {}
    for name, photos, rest in tries:
        modes: tuple[Mode, ...] = ("keep", "hide")
        limit = limit_of(photos)
        ours = tracks(distances(rest, photos), still)
        theirs = [
            one
            for other, points in people.items()
            if other != name
            for one in tracks(distances(points, photos), still)
        ]
        for mode in modes:
            mine = [visible(one, limit, mode, still) for one in ours]
            own[mode] += mine
            if mode == "keep":
                kept.setdefault(name, []).extend(mine)
            strangers[mode] += [visible(one, limit, mode, still) for one in theirs]
    print(
        f"{count} reference photos, {kind}: strangers kept {sum(strangers['keep'])} of "
        f"{len(strangers['keep'])}, the person kept {share(own['keep'])}; hide only: the person "
        f"hidden {share([not one for one in own['hide']])}, strangers left visible "
        f"{share(strangers['hide'])}"
    )
    if each:
        print("  kept: " + ", ".join(f"{name} {share(mine)}" for name, mine in kept.items()))


def share(those: Sequence[bool]) -> str:
    return f"{100 * float(np.mean(those)):.1f} % of {len(those)}" if those else "-"


def tracks(far: NDArray[np.float64], still: bool) -> list[NDArray[np.float64]]:
    """The looks that are judged together: each picture, or five, of few some twice."""
    if still:
        return [far[at : at + 1] for at in range(len(far))]
    return [np.resize(far[at : at + LOOKS], LOOKS) for at in range(0, len(far), LOOKS)]


def visible(far: NDArray[np.float64], limit: float, mode: Mode, still: bool) -> bool:
    stretch = Stretch(Track(0, {}), tuple(range(len(far))))
    return verdict(Compared(stretch, dict(enumerate(far.tolist()))), mode, limit, still)[0]


def curve(
    people: People, tries: Sequence[tuple[str, Points, Points]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the person's and of strangers' pictures that are nearer than each limit."""
    own = np.concatenate([distances(rest, photos) for _, photos, rest in tries])
    others = np.concatenate(
        [
            distances(points, photos)
            for name, photos, _ in tries
            for other, points in people.items()
            if other != name
        ]
    )
    shares = [(each[:, None] < STRICTER).mean(axis=0) for each in (own, others)]
    return shares[0], shares[1]


def draw(curves: Mapping[int, tuple[NDArray[np.float64], NDArray[np.float64]]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for count, (own, others) in curves.items():
        (line,) = axes.plot(STRICTER, 100 * own, label=f"the person, {count} photos")
        axes.plot(STRICTER, 100 * others, "--", color=line.get_color(), label="strangers")
    axes.set(xlabel="distance from the photos below which a look is theirs", ylabel="looks, %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def labeled(folder: Path) -> People:
    return {
        one.name: points
        for one in sorted(folder.iterdir())
        if one.is_dir() and len(points := embedded(map(largest, sorted(one.iterdir()))))
    }


def composed(folder: Path) -> People:
    found = {}
    for path in sorted(folder.rglob("*")):
        image = picture(path)
        if image is not None and len(points := embedded(face_of(one) for one in variants(image))):
            found[str(path)] = points
    return found


def embedded(chips: Iterator[Image | None]) -> Points:
    """(n, 128) of those faces that are good enough."""
    good = [chip for chip in chips if chip is not None]
    return embed_both(load_embedder(Options()), good)


def largest(path: Path) -> Image | None:
    image = picture(path)
    return None if image is None else face_of(image)


def picture(path: Path) -> Image | None:
    try:
        with media.open_source(path, Options()) as source:
            return next(iter(source.skim())).image if source.media.kind == "image" else None
    except InputError:
        return None


def face_of(image: Image) -> Image | None:
    """The largest face, upright, if it tells whose it is."""
    options = Options()
    detector = load_detector(options)
    with MemorySource([image]) as source:
        faces = Faces.of(detector.detect(next(source.frames()), threshold(detector, options)))
    if not len(faces):
        return None
    best = faces[int(faces.sizes.argmax())]
    return None if shortcoming(best) else aligned(image, np.array(best.landmarks))


def variants(image: Image) -> Iterator[Image]:
    """A picture and seven others of the same person."""
    changes: tuple[Callable[[Image], Image], ...] = (
        lambda one: one,
        lambda one: turned(one, 15, 1.0),
        lambda one: turned(one, -12, 0.8),
        lambda one: one[:, ::-1],
        lambda one: np.clip(one * 0.5, 0, 255).astype(np.uint8),
        lambda one: np.clip(one * 1.3 + 20, 0, 255).astype(np.uint8),
        lambda one: np.asarray(cv2.GaussianBlur(one, (0, 0), max(one.shape) / 250), np.uint8),
        lambda one: np.asarray(cv2.imdecode(cv2.imencode(".jpg", one, [1, 25])[1], 1), np.uint8),
    )
    return (np.ascontiguousarray(change(image)) for change in changes)


def turned(image: Image, angle: float, scale: float) -> Image:
    high, wide = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, scale)
    return np.asarray(cv2.warpAffine(image, matrix, (wide, high)), np.uint8)


if __name__ == "__main__":
    main()
