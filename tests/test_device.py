"""An accelerator that is not there: the processor does the work and the report says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import onnxruntime
import pytest

from faceveil import analyze_file, veil_file, weights
from faceveil.batch import Serial
from faceveil.detect import load_detector, runtime
from faceveil.detect.runtime import PROVIDERS, named, session
from faceveil.frames import Frame, Image
from faceveil.live.loop import run
from faceveil.live.sources import open_feed
from faceveil.options import Device, Options
from faceveil.options.whereabouts import Whereabouts, worst
from faceveil.scan import schedule
from faceveil.scan.parts import scan_in_parts
from films import film

CUDA = "CUDAExecutionProvider"


class Opened:
    """The facts that a session tells of itself."""

    providers: ClassVar[list[str]] = ["CPUExecutionProvider"]

    def get_providers(self) -> Sequence[str]:
        return self.providers


class OnCuda(Opened):
    providers: ClassVar[list[str]] = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_every_device_has_its_provider() -> None:
    assert set(PROVIDERS) | {"cpu", "auto"} == set(get_args(Device))


@pytest.mark.parametrize(
    ("wanted", "opened", "said"),
    [
        ("cpu", Opened(), "yunet"),
        ("auto", Opened(), "yunet on cpu (no accelerator there)"),
        ("cuda", Opened(), "yunet on cpu (cuda is not there)"),
        ("auto", OnCuda(), "yunet on cuda"),
        ("cuda", OnCuda(), "yunet on cuda"),
    ],
)
def test_the_name_tells_where_it_runs(wanted: Device, opened: Any, said: str) -> None:
    assert named("yunet", wanted, opened) == said
    assert str(Whereabouts.of(said)) == said
    assert Whereabouts.of(said).on_processor == (opened.providers[0] != CUDA)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("yunet on cpu (cuda failed)", Whereabouts("yunet", "cpu", failed="cuda")),
        ("mediapipe on cpu", Whereabouts("mediapipe", "cpu")),
        ("my own (it failed)", Whereabouts("my own (it failed)")),
        ("", Whereabouts("")),
    ],
)
def test_what_is_read_from_a_name_makes_the_same_name(name: str, meant: Whereabouts) -> None:
    assert Whereabouts.of(name) == meant
    assert str(meant) == name


def test_of_several_processes_the_one_with_most_trouble_gives_the_name() -> None:
    names = ["y on cuda", "y on cpu (cuda failed)", "y on cpu (cuda is not there)"]
    assert worst(names) == names[1]
    assert worst(names[::2]) == names[2]
    assert worst(["", ""]) == ""


@pytest.mark.slow
def test_a_missing_device_changes_nothing_else(
    astronaut: Image, capfd: pytest.CaptureFixture[str]
) -> None:
    missing: Device = next(
        device
        for device, name in PROVIDERS.items()
        if name not in onnxruntime.get_available_providers()
    )
    plain = load_detector(Options(detector="centerface"))
    fallen = load_detector(Options(detector="centerface", device=missing))
    frame = Frame(0, astronaut)
    assert fallen.name == f"centerface on cpu ({missing} is not there)"
    assert fallen.detect(frame, 0.3) == plain.detect(frame, 0.3)
    assert capfd.readouterr().err == ""


class Card:
    """ONNX Runtime beside a card: a session that says it runs there, and does on the processor."""

    ends: ClassVar[str] = "never"
    asked: ClassVar[list[Any]] = []
    runs: ClassVar[int] = 0

    def __init__(self, model: Any, providers: Sequence[Any], **settings: Any) -> None:
        self._there = [name for name, _ in providers]
        self.asked.append((providers, settings))
        if CUDA in self._there and self.ends == "at the start":
            raise ValueError
        self._session = Card.real(model, providers=["CPUExecutionProvider"])
        self.get_inputs = self._session.get_inputs

    real: ClassVar[Callable[..., Any]] = onnxruntime.InferenceSession

    def get_providers(self) -> list[str]:
        return self._there

    def run(self, outputs: Any, feeds: dict[str, Any]) -> Any:
        if CUDA in self._there and self.ends == "at the first run":
            raise LookupError
        if CUDA in self._there and self.ends == "later":
            Card.runs += 1
            if Card.runs > 3:  # the first one of each network is the try
                raise MemoryError
        return self._session.run(outputs, feeds)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Card]]:
    class Inserted(Card):
        asked: ClassVar[list[Any]] = []

    there = [CUDA, "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Inserted)
    runtime._loaded.cache_clear()
    yield Inserted
    runtime._loaded.cache_clear()


@pytest.mark.parametrize("name", ["yunet", "centerface"])
@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("never", "{} on cuda"),
        ("at the start", "{} on cpu (cuda is not there)"),
        ("at the first run", "{} on cpu (cuda is not there)"),
    ],
)
def test_a_card_that_does_not_work_is_not_said_to(
    card: type[Card],
    name: str,
    ends: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if not weights.available(name):
        pytest.skip(f"the weights of {name} are not here")
    monkeypatch.setattr(card, "ends", ends)
    opened = load_detector_anew(Options(detector=name, device="cuda"), monkeypatch)
    assert opened.name == said.format(name)
    opened.detect(Frame(0, np.zeros((90, 120, 3), np.uint8)), 0.3)
    assert capfd.readouterr() == ("", "")
    # Left to itself, the library prints to stdout and goes on elsewhere, under the same name.
    assert all(settings["enable_fallback"] == 0 for _, settings in card.asked)


def load_detector_anew(options: Options, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("faceveil.detect.load._loaded", {})
    return load_detector(options)


def test_cuda_computes_as_the_processor_does(card: type[Card], detector: str) -> None:
    """All 24 bits, and no long search for each new size of picture."""
    session(weights.find("yunet"), 1, "cuda")
    (first, *_), _ = card.asked[0]
    assert first == (CUDA, {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"})
    card.asked.clear()
    session(weights.find("yunet"), 1)
    assert [providers for providers, _ in card.asked] == [[("CPUExecutionProvider", {})]]


@pytest.fixture
def failing(card: type[Card], monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that fails in the middle of the work."""
    monkeypatch.setattr("faceveil.detect.load._loaded", {})
    monkeypatch.setattr(card, "ends", "later")
    monkeypatch.setattr(Card, "runs", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("failing")
def test_if_a_card_fails_later_the_processor_takes_over(
    photo: Path, detector: str, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = veil_file(photo, photo.with_name("a.jpg"), detector=detector)
    report = veil_file(photo, photo.with_name("b.jpg"), detector=detector, device="cuda")
    (note,) = [one for one in report.notes if one not in plain.notes]
    assert report.status == plain.status == "ok"
    assert report.tracks == plain.tracks
    assert report.regions == plain.regions
    names = [report.detector, report.second, *(report.check.detectors if report.check else ())]
    failed = [name for name in names if name.endswith(" on cpu (cuda failed)")]
    assert failed
    assert failed[0] in note
    assert report.weights_sha256 == plain.weights_sha256
    assert capfd.readouterr() == ("", "")
    # The next file of the same process does not see the card any more.
    later = veil_file(photo, photo.with_name("c.jpg"), detector=detector, device="cuda")
    told = [note for note in later.notes if "the accelerator failed" in note]
    assert all("on this file or one before it" in words for words in (note, *told))
    assert told


@pytest.mark.slow
@pytest.mark.usefixtures("failing")
def test_parts_of_a_video_tell_of_a_card_that_failed(
    tmp_path: Path, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of their own: each may be scanned in another process, with a card that does not fail here."""
    monkeypatch.setattr(schedule, "RESTART_SECONDS", 0.5)
    pictures = [np.full((120, 160, 3), 9 * n % 200, np.uint8) for n in range(60)]
    clip = film(tmp_path / "clip.mp4", pictures, gop=5)
    options = Options(detector=detector, device="cuda", parts=2)
    scanned = scan_in_parts(clip, options, Serial())
    assert scanned is not None
    said = f"{detector} on cpu (cuda failed)"
    assert scanned.detector == said
    monkeypatch.setattr("faceveil.detect.load._loaded", {})
    monkeypatch.setattr(Card, "runs", -1_000_000)  # one that does not fail any more
    monkeypatch.setattr("faceveil.scan.parts.scan_in_parts", lambda *_: scanned)
    assert analyze_file(clip, options, executor=Serial()).detector == said


@pytest.mark.slow
@pytest.mark.usefixtures("failing")
def test_live_tells_of_it_once(tmp_path: Path, detector: str, astronaut: Image) -> None:
    clip = film(tmp_path / "clip.mp4", [astronaut[:160, :240]] * 50)
    options, said = Options(detector=detector, device="cuda"), list[str]()
    run(open_feed(str(clip), options), [], options, on_message=said.append)
    assert [words for words in said if "the accelerator failed at work" in words] == said
    assert len(said) == 1
    assert f"{detector} on cpu (cuda failed)" in said[0]


@pytest.mark.slow
def test_a_detector_that_can_use_no_device_tells_so(photo: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="no extra mediapipe")
    if not weights.available("blazeface-full"):
        pytest.skip("the weights of blazeface are not here")
    only = Options(detector="mediapipe", second_detector="none", check="off")
    for device in ("cpu", "auto"):
        report = veil_file(photo, photo.with_name(f"{device}.jpg"), only, device=device)
        assert report.detector == "mediapipe"
        assert not any("--device" in note for note in report.notes)
    report = veil_file(photo, photo.with_name("cuda.jpg"), only, device="cuda")
    assert report.detector == "mediapipe on cpu"
    assert any("mediapipe always works on the processor" in note for note in report.notes)


@pytest.mark.usefixtures("failing", "detector")
def test_what_the_processor_cannot_compute_either_is_told() -> None:
    opened = session(weights.find("yunet"), 1, "cuda")
    for _ in range(2):
        with pytest.raises(Exception, match="input"):
            opened.run(None, {"nothing": np.zeros(1, np.float32)})
    assert named("yunet", "cuda", opened) == "yunet on cpu (cuda failed)"


def test_several_threads_open_the_processor_once(card: type[Card], detector: str) -> None:
    opened = session(weights.find("yunet"), 1, "cuda")
    feeds = {"input": np.zeros((1, 3, 64, 64), np.float32)}
    wanted = opened.run(None, feeds)
    card.ends, Card.runs = "later", 9
    try:
        before = len(card.asked)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: opened.run(None, feeds), range(8)))
    finally:
        card.ends, Card.runs = "never", 0
    assert len(card.asked) == before + 1
    for outputs in found:
        assert all(map(np.array_equal, outputs, wanted))


@pytest.mark.parametrize(
    ("ends", "strips"), [("never", False), ("at the start", True), ("at the first run", True)]
)
def test_the_processor_works_for_a_device_as_for_itself(
    card: type[Card],
    ends: str,
    strips: bool,
    detector: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By strips, and with a tile on each of two cores."""
    if not weights.available("yunet"):
        pytest.skip("the weights of yunet are not here")
    monkeypatch.setattr(card, "ends", ends)
    wanted = Options(detector="yunet", device="cuda", threads=2)
    opened = load_detector_anew(wanted, monkeypatch)
    assert (opened.inner._network._second is not None) == strips
    assert opened._workers == (2 if strips else 1)
    assert ("on cpu" in opened.name) == strips


def test_it_does_so_where_the_build_knows_no_device(
    detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not weights.available("yunet"):
        pytest.skip("the weights of yunet are not here")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    opened = load_detector_anew(Options(detector="yunet", device="auto", threads=2), monkeypatch)
    assert opened.inner._network._second is not None
    assert opened._workers == 2
    assert opened.name == "yunet on cpu (no accelerator there)"


@pytest.mark.parametrize("packages", [True, False])
def test_libraries_that_came_as_packages_are_loaded_once_and_in_silence(
    card: type[Card],
    detector: str,
    packages: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    called = []

    def preload() -> None:
        called.append(1)
        print("Failed to load libcublasLt.so.13")

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload, raising=False)
    monkeypatch.setattr(runtime, "find_spec", lambda name: (packages and name == "nvidia") or None)
    session(weights.find("yunet"), 1)
    assert called == []
    for _ in range(2):
        session(weights.find("yunet"), 1, "cuda")
    assert called == [1] * packages
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_report_says_that_the_device_is_not_there(photo: Path, detector: str) -> None:
    missing: Device = next(
        device
        for device, name in PROVIDERS.items()
        if name not in onnxruntime.get_available_providers()
    )
    plain = veil_file(photo, photo.with_name("a.jpg"))
    report = veil_file(photo, photo.with_name("b.jpg"), device=missing)
    (note,) = [one for one in report.notes if one not in plain.notes]
    assert report.detector == f"{detector} on cpu ({missing} is not there)"
    assert report.detector in note
    assert report.status == plain.status == "ok"
    assert (report.weights_sha256, report.second_sha256) == (
        plain.weights_sha256,
        plain.second_sha256,
    )
    # Whoever takes what there is has not asked for more.
    free = veil_file(photo, photo.with_name("c.jpg"), device="auto")
    assert free.notes == plain.notes


def test_sessions_share_their_memory(detector: str) -> None:
    entry = "session.use_env_allocators"
    model = weights.find("yunet")
    for _ in range(2):
        opened: Any = session(model, 1)
        assert opened.get_session_options().get_session_config_entry(entry) == "1"
