"""Boxes in the formats of data sets: COCO json, YOLO txt and CSV, out and in."""

from __future__ import annotations

from faceveil.dataset.annotation import Annotation, read_found
from faceveil.dataset.labels import Labels, Marked, read_labels
from faceveil.dataset.write import FORMATS, write

__all__ = ["FORMATS", "Annotation", "Labels", "Marked", "read_found", "read_labels", "write"]
