"""Attack FaceVeil's methods and its peers' operators, knowing the method.

    python benchmarks/attacks.py inversion [--brief] [--plot FILE.svg]
    python benchmarks/attacks.py parrot --results FILE.json [--brief] [--faces FOLDER]

``inversion`` reconstructs the faces that ship with scikit-image, from one frame, from 64 frames in
which the box trembles, and from a minute. ``parrot`` trains a small network on hidden faces of a
folder with one sub-folder a person, see attack_faces.py for how to make one; without a folder, on
those of scikit-image. It needs PyTorch (extra ``attack``). What it has measured is kept in
FILE.json, so that it can be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attack_faces import astronaut, lfw_subset, people, views_of_lfw
from attack_inverse import FINEST, FRAMES, RATE, Guide, Scene, cells_of, learn
from attack_operators import DEFAULT, KNOWN_WEAK, OURS, SOLID, TUTORIAL, Operator

MINUTE = 60 * RATE
BRIEF: tuple[Operator, ...] = (SOLID, DEFAULT, TUTORIAL)


COLUMNS = {
    "one": "one frame",
    "held": f"{FRAMES} frames",
    "fresh": "not held",
    "minute": "a minute",
}
"""The attacked material: a frame, FRAMES frames as the program paints them, the same if every frame
had codes of its own, and a minute as the program paints it.
"""


def invert(scene: Scene, guide: Guide, operator: Operator) -> dict[str, NDArray[Any] | None]:
    """(faces,) dB that come back, for each of COLUMNS."""
    one, fresh = (scene.attack(operator, guide, frames) for frames in (1, FRAMES))
    if not operator.held:
        return {"one": one, "held": fresh, "fresh": None, "minute": None}
    held, minute = (scene.attack(operator, guide, n, held=True) for n in (FRAMES, MINUTE))
    return {"one": one, "held": held, "fresh": fresh, "minute": minute}


def inversion(given: argparse.Namespace) -> None:
    faces = lfw_subset()[: given.people]
    half = len(faces) // 2
    sets = {
        f"{half} faces of LFW": (Scene(faces[:half]), learn(faces[half:])),
        "astronaut": (Scene([astronaut()]), learn(faces)),
    }
    tried = BRIEF if given.brief else (*OURS, *KNOWN_WEAK)
    lines: dict[str, dict[str, Any]] = {}
    for name, (scene, guide) in sets.items():
        steps = np.stack([scene.mosaics(n, guide) for n in range(1, FINEST + 1)])
        mean = steps.mean(axis=1)
        lines[name] = {"mosaic": mean}
        print(f"\n{name}: mosaics of N = 1 to {FINEST}")
        print(", ".join(f"{value:.1f}" for value in mean))
        print("\n| dB (equals a mosaic of N cells) | " + " | ".join(COLUMNS.values()) + " |")
        print("|---" * (1 + len(COLUMNS)) + "|")
        for operator in tried:
            row = lines[name][operator.name] = invert(scene, guide, operator)
            cells = (_cell(row[column], mean) for column in COLUMNS)
            print(f"| {operator.name} | " + " | ".join(cells) + " |", flush=True)
        print("\n| dB above its own mosaic (largest) | " + " | ".join(COLUMNS.values()) + " |")
        print("|---" * (1 + len(COLUMNS)) + "|")
        for ours in (operator for operator in OURS if operator.held and operator in tried):
            own = steps[ours.options.cells - 1]
            over = (lines[name][ours.name][column] - own for column in COLUMNS)
            shown = (f"{values.mean():+.2f} ({values.max():+.2f})" for values in over)
            print(f"| {ours.name} | " + " | ".join(shown) + " |", flush=True)
    if given.plot:
        plot(lines, given.plot)


def _cell(back: NDArray[Any] | None, mosaics: NDArray[Any]) -> str:
    if back is None:
        return ""
    value = float(back.mean())
    cells = "< 1" if value < mosaics[0] else f"{cells_of(value, mosaics):.1f}"
    return f"{value:.1f} ({cells})"


def plot(lines: dict[str, dict[str, Any]], path: Path) -> None:
    """Each operator on the ladder of mosaics: a dot for one frame, a cross for 64."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "faceveil"
    known = set.intersection(*(set(line) for line in lines.values()))
    shown = [one for one in (SOLID, DEFAULT, *KNOWN_WEAK) if one.name in known]
    figure, axes = plt.subplots(1, len(lines), figsize=(5.5 * len(lines), 4.4), squeeze=False)
    for ax, (name, line) in zip(axes[0], lines.items(), strict=True):
        ax.plot(range(1, FINEST + 1), line["mosaic"], color="0.6", label="mosaic of N x N cells")
        for number, operator in enumerate(shown):
            for field, mark in (("one", "o"), ("held", "X")):
                value = line[operator.name][field].mean()
                ax.plot(
                    cells_of(value, line["mosaic"]),
                    value,
                    mark,
                    color=f"C{number}",
                    label=operator.name if field == "one" else None,
                )
        ax.set(
            xlabel="equals a mosaic of N cells across the face",
            ylabel="reconstruction, PSNR in dB",
            title=f"{name} (dot: one frame, cross: {FRAMES} frames)",
        )
        ax.set_xticks(range(2, FINEST + 1, 2))
        ax.grid(alpha=0.3)
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def parrot(given: argparse.Namespace) -> None:
    import torch

    from attack_parrot import CONTEXT, CROP, hide, top1

    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    known: dict[str, list[float]] = {}
    if given.results.exists():
        known = json.loads(given.results.read_text())
    views = {"whole": CROP, "context": CONTEXT}
    if given.faces:
        faces = people(given.faces)
    else:
        faces = views_of_lfw(given.elsewhere)
        del views["context"]  # those pictures have none
    print(f"{len(faces)} people, {sum(map(len, faces.values()))} pictures", flush=True)
    contestants: dict[str, Operator | None] = {"clear": None}
    contestants |= {operator.name: operator for operator in (SOLID, DEFAULT, *KNOWN_WEAK, *OURS)}
    if given.brief:
        few = ("clear", *(operator.name for operator in BRIEF))
        contestants = {name: contestants[name] for name in few}
    for seed in range(given.seeds):
        for (name, operator), (view, around) in product(contestants.items(), views.items()):
            done = known.setdefault(f"{name} | {view}", [])
            if len(done) <= seed:
                pictures = hide(faces, operator, around, given.views, seed)
                known.setdefault("chance", [pictures.chance])
                done.append(top1(pictures, given.epochs, seed))
                print(f"seed {seed}  {name} | {view}: {done[-1]:.3f}", flush=True)
                given.results.write_text(json.dumps(known, indent=1))
    for line in table(known):
        print(line)


def table(known: dict[str, list[float]]) -> Iterator[str]:
    """Top-1 and its lift, over chance and over the context of a solid box, for the documents."""
    for view, title in (("whole", "whole crop"), ("context", "context left")):
        rows = {
            key.partition(" | ")[0]: values
            for key, values in known.items()
            if values and key.endswith(f" | {view}")
        }
        if TUTORIAL.name not in rows:
            continue
        floor = known["chance"][0] if view == "whole" else float(np.mean(rows[SOLID.name]))
        whole = float(np.mean(rows[TUTORIAL.name])) - floor
        yield f"{title}; chance {known['chance'][0]:.3f}, lift over {floor:.3f}"
        yield "| picture given to the attacker | top-1 | lift | share of the tutorial's |"
        yield "|---|---|---|---|"
        for name, values in rows.items():
            lift = float(np.mean(values)) - floor
            yield f"| {name} | {_spread(values)} | {lift:+.3f} | {lift / whole:.2f} |"


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f} (one seed)"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Attack hidden faces.")
    attacks = parser.add_subparsers(required=True)
    linear = attacks.add_parser("inversion", help="the operator is known; no network needed")
    linear.add_argument("--plot", type=Path, help="write the plot of the documents")
    linear.add_argument(
        "--people", type=int, default=100, help="of LFW; the second half of them are the guide"
    )
    linear.set_defaults(run=inversion)
    network = attacks.add_parser("parrot", help="a network trained on hidden faces")
    network.add_argument("--faces", type=Path, help="one sub-folder a person; unset: LFW's")
    network.add_argument(
        "--elsewhere", action="store_true", help="LFW's faces in other places, light and moods"
    )
    network.add_argument("--results", type=Path, required=True, help="kept from run to run")
    network.add_argument("--seeds", type=int, default=3)
    network.add_argument("--epochs", type=int, default=15)
    network.add_argument("--views", type=int, default=3, help="of each picture, in training")
    network.add_argument("--threads", type=int, default=1)
    network.set_defaults(run=parrot)
    for attack in (linear, network):
        attack.add_argument("--brief", action="store_true", help="default, tutorial and solid only")
    given = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = given.run
    run(given)


if __name__ == "__main__":
    main()
