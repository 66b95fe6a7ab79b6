"""An independent tool on the outputs: ExifTool, which knows more formats than the check.

`leftovers` was written by those who wrote the outputs; this is a second opinion. What it reports
has to be on a list of what any file of the format says of itself: sizes, codes, offsets.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import piexif
import pytest
from PIL import Image as Pillow
from PIL import PngImagePlugin

from faceveil.geometry import Box
from faceveil.options import Options
from test_jpeg_keep import KEEP, veiled
from test_metadata import PLANTS, REFUSED, SUFFIXES, XMP, profile, rewritten
from test_metadata import TOKEN as HIDDEN
from test_stream_leftovers import plant
from videos import TOKEN, X264, compose, rewrite

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool here"),
]

GROUPS = {"ExifTool", "System", "File", "Composite", "SourceFile"}
"""Groups that describe the tool and the file on the disk, or are derived."""
PICTURES = """
    JFIFVersion ResolutionUnit XResolution YResolution PixelUnits PixelsPerUnitX PixelsPerUnitY
    BitDepth BitsPerSample ColorType Compression Filter Interlace ImageHeight ImageWidth ImageSize
    PhotometricInterpretation PlanarConfiguration Predictor RowsPerStrip SamplesPerPixel
    StripByteCounts StripOffsets ExtraSamples SampleFormat BackgroundColor BitsPerPixel
    ColorResolutionDepth GIFVersion HasColorMap FrameCount TransparentColor PrimaryItemReference
    HorizontalScale VerticalScale VP8Version WebP_Flags AlphaIsUsed SRGBRendering Gamma
"""
BOXES = """
    AV1ConfigurationVersion ChromaFormat ChromaSamplePosition ColorPrimaries ColorProfiles
    TransferCharacteristics MatrixCoefficients ImagePixelDepth ImageSpatialExtent
    InitialDelaySamples SeqProfile SeqLevelIdx0 SeqTier0 MajorBrand MinorVersion CompatibleBrands
    HandlerType HandlerClass HandlerVendorID HandlerDescription MediaData MediaDataOffset
    MediaDataSize CurrentTime Duration MatrixStructure MovieHeaderVersion NextTrackID PosterTime
    PreferredRate PreferredVolume PreviewDuration PreviewTime SelectionDuration SelectionTime
    TimeScale Wide Free AVCConfiguration AverageBitrate BufferSize MaxBitrate ChunkOffset
    CompositionTimeToSample TimeToSampleTable CompressorID GraphicsMode OpColor
    IdependentAndDisposableSamples MediaDuration MediaHeaderVersion MediaLanguageCode
    MediaTimeScale SampleSizes SampleToChunk SampleGroupDescription SampleToGroup SourceImageHeight
    SourceImageWidth SyncSampleTable TrackDuration TrackHeaderVersion TrackID TrackLayer
    TrackVolume VendorID VideoFrameRate AudioBitsPerSample AudioChannels AudioFormat
    AudioSampleRate Balance LayoutFlags PurchaseFileFormat PixelAspectRatio
    Unknown_av1C Unknown_edts Unknown_hvcC Unknown_vpcC Unknown_btrt Unknown_esds Unknown_mp4a
    Unknown_dOps QuickTime_ColorRep_0x000a QuickTime_ChannelLayout_0x0008
    QuickTime_ChannelLayout_0x000c
"""
"""In AVIF, MP4 and QuickTime."""
ELEMENTS = """
    CueTime CueTrack DocType DocTypeReadVersion DocTypeVersion EBMLMaxIDLength EBMLMaxSizeLength
    EBMLReadVersion EBMLVersion MuxingApp WritingApp SeekID SeekPosition TagTrackUID TimeCode
    TimecodeScale CodecID CodecPrivate DisplayUnit DisplayWidth DisplayHeight MaxBlockAdditionID
    TrackDefault TrackLacing TrackLanguage TrackNumber TrackType TrackUID Matroska_0x0070
    Matroska_0x35a2 Matroska_0x15b0 Matroska_0x16aa Matroska_0x16bb CueClusterPosition
    CRC-32 BlockDuration
"""
"""In Matroska. Where ExifTool has no name, it drops the first bits of the number."""
STRUCTURE = {*PICTURES.split(), *BOXES.split(), *ELEMENTS.split()}
DATES = re.compile(r"(Track|Media)?(Create|Modify)Date")
"""Fields that cannot be left out; they have to be zero."""
VALUES = {
    "MuxingApp": {"Lavf"},
    "WritingApp": {"Lavf"},
    "HandlerDescription": {"VideoHandler", "SoundHandler", "DataHandler", ""},
    "HandlerType": {"Video Track", "Audio Track", "Metadata", "URL", "Picture"},
    "VendorID": {"FFmpeg"},
    "HandlerVendorID": {"Apple"},
    "CompressorID": {"av01", "avc1", "hvc1", "vp09"},
}
"""Words that anybody's file of the kind has."""


def reports(folder: Path) -> dict[str, dict[str, Any]]:
    """ExifTool's report on each file, with unknown tags as well."""
    done = subprocess.run(
        ["exiftool", "-j", "-G1", "-a", "-u", "-U", "-ee", "-r", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return {Path(one["SourceFile"]).name: one for one in json.loads(done.stdout)}


def told(report: dict[str, Any]) -> set[str]:
    """Tags that no file of the kind needs, and values that are not as they are in all of them."""
    found = set()
    for key, value in report.items():
        group, _, name = key.rpartition(":")
        if group in GROUPS or key in GROUPS:
            if group == "File" and name in ("Comment", "CurrentIPTCDigest"):
                found.add(key)
            continue
        if DATES.fullmatch(name):
            fine = value == "0000:00:00 00:00:00"
        elif name in VALUES:
            fine = value in VALUES[name]
        else:
            fine = name in STRUCTURE
        if not fine or TOKEN in str(value) or HIDDEN.decode() in str(value):
            found.add(key)
    return found


def full_of_metadata() -> dict[str, bytes]:
    """Photos as a phone or an editor leaves them."""
    picture = Pillow.effect_noise((64, 48), 60).convert("RGB")
    word = HIDDEN.decode()
    exif = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Make: word, piexif.ImageIFD.Artist: word},
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: "2020:02:02 02:02:02",
                piexif.ExifIFD.MakerNote: HIDDEN,
                piexif.ExifIFD.BodySerialNumber: word,
            },
            "GPS": {
                piexif.GPSIFD.GPSLatitudeRef: "N",
                piexif.GPSIFD.GPSLatitude: ((51, 1), (30, 1), (26, 1)),
            },
        }
    )
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", word)
    settings: dict[str, dict[str, Any]] = {
        "jpg": {
            "format": "JPEG",
            "exif": exif,
            "xmp": XMP,
            "icc_profile": profile(),
            "comment": word,
        },
        "png": {"format": "PNG", "exif": exif, "icc_profile": profile(), "pnginfo": text},
        "webp": {"format": "WEBP", "exif": exif, "xmp": XMP, "icc_profile": profile()},
        "gif": {"format": "GIF", "comment": word, "xmp": XMP},
        "tif": {"format": "TIFF", "exif": exif, "description": word, "software": word},
        "avif": {"format": "AVIF", "exif": exif, "xmp": XMP, "icc_profile": profile()},
    }
    made = {}
    for suffix, more in settings.items():
        buffer = io.BytesIO()
        picture.save(buffer, **more)
        made[suffix] = buffer.getvalue()
    return made


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # hundreds of them take a minute


def test_pictures(tmp_path: Path, no_waiting: None) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    inputs = full_of_metadata()
    for kind, data in inputs.items():
        (before / f"in.{kind}").write_bytes(data)
        for suffix in SUFFIXES:
            rewritten(data, after / f"{kind}{suffix}")
    for name, report in reports(before).items():
        assert len(told(report)) > (0 if name.endswith("gif") else 5), name
    found = {name: told(report) for name, report in reports(after).items()}
    assert len(found) == len(inputs) * len(SUFFIXES)
    assert {name: tags for name, tags in found.items() if tags} == {}


def test_pictures_with_something_hidden(tmp_path: Path, no_waiting: None) -> None:
    for name, (data, _) in PLANTS.items():
        if name not in REFUSED:
            for suffix in SUFFIXES:
                rewritten(data, tmp_path / f"{name}{suffix}")
    found = {name: told(report) for name, report in reports(tmp_path).items()}
    assert {name: tags for name, tags in found.items() if tags} == {}


def test_photos_whose_blocks_are_kept(tmp_path: Path) -> None:
    data = full_of_metadata()["jpg"]
    after = tmp_path / "after"
    after.mkdir()
    (tmp_path / "in.jpg").write_bytes(data)
    veiled(tmp_path / "in.jpg", after / "kept.jpg", [Box(8, 8, 30, 30)], KEEP)
    (report,) = reports(after).values()
    assert told(report) == set()


def test_pictures_of_phones(data: Path, tmp_path: Path, no_waiting: None) -> None:
    formats = data / "formats"
    for path in (
        formats / "iphone_13_pro_max.HEIC",
        formats / "exif.avif",
        formats / "canon-ixus.jpg",
    ):
        for suffix in (".jpg", ".avif", ".png"):
            rewritten(path.read_bytes(), tmp_path / f"{path.stem}{suffix}")
    found = {name: told(report) for name, report in reports(tmp_path).items()}
    assert {name: tags for name, tags in found.items() if tags} == {}


@pytest.mark.parametrize(
    ("encoder", "suffixes"),
    [
        ("libx264", (".mp4", ".mov", ".mkv")),
        ("libx265", (".mp4", ".mov", ".mkv")),
        ("libsvtav1", (".mp4", ".mkv", ".webm")),
        ("libvpx-vp9", (".mp4", ".mkv", ".webm")),
    ],
)
@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska"])
def test_films(tmp_path: Path, encoder: str, suffixes: tuple[str, ...], muxer: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    clip = compose(
        before / ("in.mkv" if muxer == "matroska" else f"in.{muxer}"),
        muxer=muxer,
        settings=X264,
        sound="aac",
        decorate=plant,
        container={} if muxer == "matroska" else {"movflags": "+use_metadata_tags"},
        times=range(6),
        colours=(1, 1, 1, 1),
    )
    for suffix in suffixes:
        rewrite(clip, after / f"out{suffix}", Options(encoder=encoder))
    found = {name: told(report) for name, report in reports(after).items()}
    assert found == {f"out{suffix}": set() for suffix in suffixes}
    shutil.copy(clip, tmp_path / ("in.mkv" if muxer == "matroska" else f"in.{muxer}"))
    (report,) = (
        one for name, one in reports(tmp_path).items() if name in ("in.mkv", "in.mp4", "in.mov")
    )
    assert len(told(report)) > 3
