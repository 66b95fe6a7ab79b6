"""The plots of coverage.py."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import peers
from coverage_score import Score

TITLES = {"orig": "pictures of 1024 px", "small": "pictures of 416 px"}
LABELED = (0.2, 0.4, 0.6, 0.8)
WIDEST = 4.0
"""False area, in percent, at which the curves are cut off: nobody would want more."""


def draw_curves(
    curves: Mapping[tuple[str, str], Sequence[Score]], levels: Sequence[float], path: Path
) -> None:
    """Misses against false area: a line for each detector, a cross for each peer.

    Args:
        curves: by group of pictures and name; a detector's scores are those of ``levels``.
    """
    plt = _pyplot()
    groups = list(dict.fromkeys(group for group, _ in curves))
    colours = _colours([name for _, name in curves])
    figure, axes = plt.subplots(1, len(groups), figsize=(5.5 * len(groups), 4.2), squeeze=False)
    for ax, group in zip(axes[0], groups, strict=True):
        for (of, name), scores in curves.items():
            if of != group:
                continue
            at = [(s.false_area, 100 * s.missed) for s in scores]
            ax.plot(*zip(*at, strict=True), _style(name, ".-"), color=colours[name], label=name)
            for level, point in zip(levels, at, strict=False):
                if level in LABELED and name not in peers.NAMES:
                    ax.annotate(f"{level:.1f}", point, fontsize=7, annotation_clip=True)
        ax.set(
            xlabel="false area, %",
            ylabel="faces of 10 px and more missed, %",
            title=TITLES.get(group, group),
        )
        ax.set_xlim(0, WIDEST)
        ax.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
    axes[0][0].legend(fontsize=8)
    _save(figure, path)


def draw_comparison(totals: Mapping[str, Score], edges: Sequence[int], path: Path) -> None:
    """Share of faces covered by their size, and processor time a picture."""
    plt = _pyplot()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), gridspec_kw={"width_ratios": (3, 2)}
    )
    colours = _colours(list(totals))
    ranges = list(pairwise((*edges, float("inf"))))
    for name, total in totals.items():
        counts = [total.count(low, high) for low, high in ranges]
        shares = [100 * covered / max(faces, 1) for covered, faces in counts]
        left.plot(shares, _style(name, "o-"), color=colours[name], label=name, markersize=4)
    names = [f"{low} to {high}" for low, high in pairwise(edges)] + [f"{edges[-1]} and more"]
    left.set_xticks(range(len(ranges)), names, fontsize=8)
    left.set(xlabel="size of the face, px", ylabel="covered, %", ylim=(0, 102))
    left.grid(alpha=0.3)
    left.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.09))
    speeds = {name: statistics.median(total.milliseconds) for name, total in totals.items()}
    bars = right.barh(list(speeds), list(speeds.values()), color=[colours[n] for n in speeds])
    right.bar_label(bars, [f"{speed:.0f}" for speed in speeds.values()], padding=3, fontsize=8)
    right.invert_yaxis()
    right.margins(x=0.15)
    right.set(xlabel="processor time, ms a picture (median)")
    right.grid(alpha=0.3, axis="x")
    _save(figure, path)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "faceveil"
    return plt


def _colours(names: Sequence[str]) -> dict[str, str]:
    return {name: f"C{number}" for number, name in enumerate(dict.fromkeys(names))}


def _style(name: str, detector: str) -> str:
    return "X--" if name in peers.NAMES else detector


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    # White in itself, so that it can be read on a dark page, and without a date, so that the same
    # figures give the same file.
    undated = {"Date": None} if path.suffix == ".svg" else {}
    figure.savefig(path, facecolor="white", metadata=undated)
