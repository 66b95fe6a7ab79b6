"""Edits of a plan that were not applied yet, kept beside the plan so that none is lost.

A draft holds differences from the plan, not a plan of its own: most edits then are a few hundred
bytes, also in a video of three hours. It is deleted with the original, and when the plan is saved.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceveil.i18n import say
from faceveil.plan import Track
from faceveil.server.actions import at_rest, require_original
from faceveil.server.problems import ProblemError
from faceveil.server.store import DRAFT, Store

_Version = Annotated[int, Field(ge=0, le=1 << 53)]


class Draft(BaseModel):
    """The edits of one review.

    ``version`` grows with each edit; 0: nobody has edited. ``author`` is whatever a client calls
    its review, and ``base`` the version that this review began with. ``kept`` says of tracks that
    only changed in this whether they stay visible; ``changed`` and ``added`` are whole tracks, the
    ids of added ones count in the draft alone.
    """

    model_config = ConfigDict(extra="forbid")

    version: _Version = 0
    author: Annotated[str, Field(max_length=64)] = ""
    base: _Version = 0
    kept: dict[int, bool] = {}
    changed: tuple[Track, ...] = ()
    added: tuple[Track, ...] = ()
    removed: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.kept or self.changed or self.added or self.removed)


def load(store: Store, job: str) -> Draft:
    """The draft of a job; an empty one if there is none."""
    try:
        return Draft.model_validate_json(store.path(job, DRAFT).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Draft()


def save(store: Store, job: str, draft: Draft) -> Draft:
    """Keep a draft, and return the one that is kept now.

    What the same review sent before, and what arrives later, changes nothing.

    Raises:
        ProblemError: 409, another review has edited it meanwhile, or a worker has the job; 410, the
            original is gone.
    """
    with at_rest(store, job) as record:
        require_original(store, record)
        there = load(store, job)
        if there.author == draft.author and draft.version <= there.version:
            return there
        if there.author != draft.author and there.version not in (0, draft.base):
            raise ProblemError(
                409,
                "edited-elsewhere",
                say("the file is being reviewed in another window, too"),
                say("Go on there, or close the review here and open it again."),
            )
        if draft.empty:
            store.drop(job, DRAFT)
        else:
            store.write(job, DRAFT, draft.model_dump_json())
    return draft
