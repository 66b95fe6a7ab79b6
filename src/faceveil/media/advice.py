"""Advice that fits many errors of files."""

from __future__ import annotations

from typing import Final

from faceveil.i18n import say

COMPLETE: Final = say("Get a complete copy of the file.")
READABLE: Final = say("See whether it is there, and whether you may read it.")
REPACK: Final = say("Pack the files anew, as a plain zip or tar.")
PRINT: Final = say(
    "Save it as PDF or in a newer format (.docx, .xlsx, .pptx, .odt), and give that to FaceVeil."
)
UNPACK: Final = say("Unpack it, and give FaceVeil the files in it.")
CONVERT: Final = say("Convert it to JPEG, PNG, MP4 or PDF.")
APART: Final = say("Take out what lies in it, and give FaceVeil each file by itself.")
SMALLER: Final = say("Split it into smaller documents.")
