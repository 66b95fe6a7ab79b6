"""Colour spaces that a kept JPEG stays in, because a conversion would encode every block again.

A profile of the input is never copied: it may name a screen or a camera. If its effect is that of a
widely used space, the output names that space in a profile of FaceVeil's own.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from faceveil.frames import Image
from faceveil.media.colour import WELL_KNOWN, Profile, Space
from faceveil.media.pictures.picture import changes_nothing


def well_known(profile: Profile) -> Space | None:
    """The well-known space of RGB pictures that a profile stands for, or None if it is another."""
    from PIL import ImageCms

    try:
        given = _profile(profile.icc(grey=False) if isinstance(profile, Space) else profile)
        for make in WELL_KNOWN:
            space = make()
            if changes_nothing(_transform(given, _profile(space.icc(grey=False))), "RGB"):
                return space
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None


def from_srgb(image: Image, space: Space) -> Image:
    """(H, W, 3) uint8 BGR in sRGB, in the colours of another space."""
    import PIL.Image
    from PIL import ImageCms

    transform = _transform(ImageCms.createProfile("sRGB"), _profile(space.icc(grey=False)))
    rgb = PIL.Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    converted = np.asarray(ImageCms.applyTransform(rgb, transform))
    return np.ascontiguousarray(converted[..., ::-1])


def _profile(data: bytes | None) -> Any:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(io.BytesIO(data or b""))


def _transform(source: Any, target: Any) -> Any:
    from PIL import ImageCms

    return ImageCms.buildTransform(
        source,
        target,
        "RGB",
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
