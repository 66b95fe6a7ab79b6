"""The texts of the report page, in English and in Chinese."""

from __future__ import annotations

from typing import Final

from faceveil.i18n import Message, say

WORDS: Final = {
    "title": say("FaceVeil report"),
    "overview": say("Files"),
    "files": say("Files"),
    "done": say("Done and checked"),
    "with warnings": say("Done with warnings"),
    "no output": say("No output"),
    "covered": say("Faces covered"),
    "visible": say("Left visible on request"),
    "filled": say("Covered unseen"),
    "blind": say("Not looked for below"),
    "input": say("Input"),
    "output": say("Output"),
    "status": say("Result"),
    "remarks": say("Remarks"),
    "sheet": say("The output"),
    "warnings": say("Warnings"),
    "findings": say("Found by the check"),
    "notes": say("Notes"),
    "media": say("File"),
    "seen": say("Seen"),
    "dropped": say("Left out of the output"),
    "sha256 in": say("SHA-256 of the input"),
    "sha256 out": say("SHA-256 of the output"),
    "how": say("How it was made"),
    "method": say("Method"),
    "settings": say("Settings other than usual"),
    "settings sha256": say("SHA-256 of all settings"),
    "detector": say("Detector"),
    "weights": say("SHA-256 of its weights"),
    "check": say("Check"),
    "unchecked": say("the output was not checked"),
    "version": say("Version"),
    "date": say("Date (UTC)"),
    "seconds": say("Seconds"),
    "sizes": say("Faces by size"),
    "faces": say("Faces over time"),
    "parts": say("Faces by page or part"),
    "part": say("Page or part"),
    "number": say("No."),
    "origin": say("Origin"),
    "frames": say("Frames"),
    "pixels": say("Size, px"),
    "score": say("Score"),
    "more": say("more, see the JSON report"),
    "limits": say("What this report does not say"),
    "verify": say("How to verify"),
}

STATUS: Final = {
    "ok": say("done"),
    "partial": say("with warnings"),
    "failed": say("no output"),
    "skipped": say("passed over"),
}

MODES: Final = {"sample": say("sample"), "full": say("full")}
"""The extent of a check, in words."""

ORIGINS: Final = {
    "detected": say("detected"),
    "checked": say("found by the check"),
    "manual": say("manual"),
    "zone": say("zone"),
}

REASONS: Final = {
    "reference": say("the person of the photos"),
    "stranger": say("another person"),
    "unsure": say("not certain who it is"),
    "small": say("too small to tell who it is"),
    "turned": say("turned away"),
    "few": say("seen too rarely to tell who it is"),
    "unseen": say("not seen here"),
    "crossing": say("too near to another person"),
    "moved": say("put with this person by hand"),
}
"""The reasons that photos of a person gave, or who reviewed it; see `Track.why`."""

LIMITS: Final[tuple[Message, ...]] = (
    say(
        "That every face was found. Faces below the size given were not looked for; "
        "others can be missed."
    ),
    say(
        "That nobody can be recognized. Body, clothes, voice, company and place tell "
        "people apart, too."
    ),
    say(
        "That the result satisfies a law, or that the files were not changed since: "
        "compare the hashes."
    ),
)

VERIFY: Final[tuple[Message, ...]] = (
    say("Output: the SHA-256 of the file (sha256sum FILE) is the one above."),
    say(
        "This page, if it was signed: ssh-keygen -Y verify -f allowed_signers -I NAME "
        "-n faceveil -s PAGE.sig < PAGE"
    ),
)
