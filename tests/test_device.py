"""An accelerator that is not there: the processor does the work and the report says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, get_args

import pytest

from faceveil import weights
from faceveil.detect import load_detector
from faceveil.detect.runtime import PROVIDERS, named, session
from faceveil.frames import Frame, Image
from faceveil.options import Device, Options


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


@pytest.mark.slow
def test_a_missing_device_changes_nothing_else(
    astronaut: Image, capfd: pytest.CaptureFixture[str]
) -> None:
    import onnxruntime

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


def test_sessions_share_their_memory(detector: str) -> None:
    entry = "session.use_env_allocators"
    model = weights.find("yunet")
    for _ in range(2):
        opened = session(model, 1)
        assert opened.get_session_options().get_session_config_entry(entry) == "1"
