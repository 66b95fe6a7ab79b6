"""Colour spaces that are described by numbers, made into ICC profiles.

A picture without an ICC profile may still declare its colours: by code points (ITU-T H.273), by
chromaticities and an exponent, or by a word in EXIF. All of these become a ``Space`` here, and are
converted like profiles.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
"""Light, 0 to 1, at evenly spaced values from 0 to 1."""

_STEPS: Final = np.linspace(0, 1, 4096)
_D65: Final = (0.3127, 0.3290)
_D50: Final = np.array([0.9642, 1.0, 0.8249])
"""White of the space in which profiles meet, X, Y, Z (ICC.1:2022, 7.2.16)."""
_BRADFORD: Final = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""Adaptation of white (ICC.1:2022, annex E)."""

_SRGB_FORMULA: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1."""
_SRGB: Final = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
_ADOBE: Final = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)

# x and y of red, green, blue and white for each code point (H.273, table 2).
_PRIMARIES: Final[dict[int, tuple[float, ...]]] = {
    1: _SRGB,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
_HDR_TRANSFERS: Final = frozenset({16, 18})
"""PQ and HLG, as coded in H.273."""
_WHITE_NITS: Final = 203.0
"""Brightness of paper in pictures of high dynamic range (ITU-R BT.2408)."""
_PEAK_NITS: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Space:
    """A colour space: the meaning of the numbers of a picture.

    Attributes:
        primaries: x and y of red, green, blue and white.
        curve: light at each value.
        hdr: of high dynamic range, which ``curve`` compresses to the range of an ordinary screen.
        formula: the curve as the numbers g, a, b, c, d of a parametric one (ICC.1:2022, 10.18,
            type 3), or g alone; () where it is no such curve.
    """

    primaries: tuple[float, ...]
    curve: Curve
    hdr: bool = False
    formula: tuple[float, ...] = ()

    def icc(self, *, grey: bool) -> bytes:
        """An ICC profile for it.

        Raises:
            ValueError: the chromaticities span no space.
        """
        if self.formula:
            kind = 3 if len(self.formula) > 1 else 0
            curve = b"para" + struct.pack(">4xH2x", kind) + _fixed(self.formula)
        else:
            curve = b"curv" + bytes(4) + struct.pack(">I", len(self.curve))
            curve += np.round(np.clip(self.curve, 0, 1) * 65535).astype(">u2").tobytes()
        tags = {b"wtpt": _xyz(_D50)}
        if grey:
            tags[b"kTRC"] = curve
        else:
            columns = _to_d50(self.primaries).T
            tags |= {
                b"rXYZ": _xyz(columns[0]),
                b"gXYZ": _xyz(columns[1]),
                b"bXYZ": _xyz(columns[2]),
            }
            tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
        return _profile(b"GRAY" if grey else b"RGB ", tags)


Profile = bytes | Space | None
"""An ICC profile as it is in the file, a space made from numbers, or None for sRGB."""


def of_code_points(primaries: int, transfer: int, *, full: bool = True) -> Space | None:
    """The space that an nclx or cICP names; None where that is sRGB, unspecified or unknown.

    Args:
        full: black is 0 and white 255, and not 16 and 235 as in video.

    Curves of the BT.709 family are shown as sRGB's, as browsers do it. High dynamic range is
    compressed to that of an ordinary screen.
    """
    where, curve = _PRIMARIES.get(primaries), _transfer(transfer)
    if where in (None, _SRGB) and curve is None and full:
        return None
    light = _srgb_light() if curve is None else curve
    if not full:
        light = np.interp((255 * _STEPS - 16) / 219, _STEPS, light)
    return Space(where or _SRGB, light, transfer in _HDR_TRANSFERS)


def of_gamma(chromaticities: Sequence[float] | None, exponent: float | None) -> Space | None:
    """The space of a PNG's cHRM (white, red, green, blue) and of 1 / gAMA; either may be missing.

    An exponent near 2.2 stands for sRGB's curve: that is what such files were made with.
    """
    if chromaticities is None and exponent is None:
        return None
    where = _SRGB if chromaticities is None else (*chromaticities[2:8], *chromaticities[:2])
    if exponent is None or abs(exponent / 2.2 - 1) < 0.02:
        return Space(where, _srgb_light())
    return Space(where, _STEPS**exponent)


def of_curve(chromaticities: Sequence[float] | None, curve: Curve | None) -> Space:
    """The space of a TIFF's white point, primaries (together as in ``of_gamma``) and table."""
    space = of_gamma(chromaticities, None)
    where = _SRGB if space is None else space.primaries
    return Space(where, _srgb_light() if curve is None else curve)


def adobe_rgb() -> Space:
    """Adobe RGB (1998)."""
    return Space(_ADOBE, _STEPS ** (563 / 256), formula=(563 / 256,))


def romm_rgb() -> Space:
    """ROMM RGB (ISO 22028-2), also known as ProPhoto."""
    where = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
    curve = np.where(_STEPS < 0.03125, _STEPS / 16, _STEPS**1.8)
    return Space(where, curve, formula=(1.8, 1.0, 0.0, 1 / 16, 0.03125))


def display_p3() -> Space:
    """Display P3, in which telephones take pictures."""
    return Space(_PRIMARIES[12], _srgb_light(), formula=_SRGB_FORMULA)


WELL_KNOWN: Final = (display_p3, adobe_rgb, romm_rgb)
"""Spaces of so many pictures that naming them points to no device."""


@cache
def well_known_profiles() -> frozenset[bytes]:
    """The profiles that outputs may hold, byte for byte."""
    return frozenset(make().icc(grey=False) for make in WELL_KNOWN)


def _srgb_light() -> Curve:
    low, high = _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4
    return np.where(_STEPS <= 0.04045, low, high)


def _transfer(code: int) -> Curve | None:
    """Light for a transfer characteristic (H.273, table 3); None for sRGB's and its like."""
    v = _STEPS
    match code:
        case 4:
            return v**2.2
        case 5:
            return v**2.8
        case 8:
            return v
        case 9:
            return np.where(v > 0, 10 ** (2 * (v - 1)), 0)
        case 10:
            return np.where(v > 0, 10 ** (2.5 * (v - 1)), 0)
        case 16:
            return _shown(_pq_nits(v))
        case 17:
            return np.minimum(v**2.6 * 52.37 / 48, 1)
        case 18:
            return _shown(_hlg_nits(v))
    return None


def _pq_nits(v: Curve) -> Curve:
    """SMPTE ST 2084."""
    power = v ** (32 / 2523)
    ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(10_000 * ratio ** (16384 / 2610))


def _hlg_nits(v: Curve) -> Curve:
    """ITU-R BT.2100 on a screen of 1000 nits; the system's gamma is taken for each colour."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)
    return np.asarray(_PEAK_NITS * scene**1.2)


def _shown(nits: Curve) -> Curve:
    """Reinhard's curve: paper keeps most of its brightness, 1000 nits become white."""
    light, most = nits / _WHITE_NITS, _PEAK_NITS / _WHITE_NITS
    return np.minimum(light * (1 + light / most**2) / (1 + light), 1)


def _to_d50(primaries: Sequence[float]) -> NDArray[np.float64]:
    """The matrix from linear RGB to X, Y, Z under D50."""
    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    if not (
        np.isfinite([x, y]).all() and (y > 0).all() and (x >= 0).all() and (x + y <= 1.001).all()
    ):
        raise ValueError("no chromaticities")
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    matrix, white = columns[:, :3], columns[:, 3]
    if abs(np.linalg.det(matrix)) < 1e-4:
        raise ValueError("the primaries lie on a line")
    matrix = matrix * np.linalg.solve(matrix, white)
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix)


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    """As s15Fixed16Number (ICC.1:2022, 4.6)."""
    scaled = np.round(np.asarray(values, np.float64) * 65536)
    return np.clip(scaled, -(2**31), 2**31 - 1).astype(">i4").tobytes()


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile, version 4.3, with nothing in it but these tags."""
    table, heap = struct.pack(">I", len(tags)), b""
    start, places = 128 + 4 + 12 * len(tags), dict[bytes, int]()
    for name, body in tags.items():
        if body not in places:  # equal tags share their bytes
            places[body] = start + len(heap)
            heap += body + bytes(-len(body) % 4)
        table += name + struct.pack(">II", places[body], len(body))
    head = struct.pack(">I4sI4s4s4s", start + len(heap), b"", 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + table + heap
