"""Faces that several looks at one picture have found, and how these vote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceveil.faces import Faces, Floats, Mask, sizes

# A single pass that is this much above the threshold needs no confirmation.
ALONE = 0.3
# The same if no other pass could have seen a face of that size.
SOLE = 0.1
# Faces of a size at which a false one would cost much have to be so much more certain.
LARGE_PENALTY = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The finds of several passes, grouped into faces.

    Attributes:
        faces: the best find of each, with the hull of all that are about as certain as its box.
        second: (n,) the best score of another pass; 0: none sees it.
        sole: (n,) no other pass could see a face of that size.
        tight: (n, 4) boxes of the best finds themselves.
    """

    faces: Faces
    second: Floats
    sole: Mask
    tight: Floats

    def __getitem__(self, some: Mask) -> Groups:
        return Groups(self.faces[some], self.second[some], self.sole[some], self.tight[some])

    def voted(self, large: float) -> Faces:
        """Score the faces by how well the passes agree.

        Args:
            large: size in pixels from which a false face would cost much.
        """
        first = self.faces.scores
        alone = first - np.where(self.sole, SOLE, ALONE)
        scores = np.maximum((first + self.second) / 2, alone)
        scores -= LARGE_PENALTY * (sizes(self.tight) >= large)
        return Faces(self.faces.boxes, scores.clip(0.0, 1.0), self.faces.landmarks)
