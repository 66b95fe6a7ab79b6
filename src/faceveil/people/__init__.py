"""Telling people apart: faces of one person and those of others. Only when asked for."""

from faceveil.people.by_photo import recognized
from faceveil.people.embedder import Embedder, load_embedder
from faceveil.people.gallery import Gallery
from faceveil.people.photos import photos_of

__all__ = ["Embedder", "Gallery", "load_embedder", "photos_of", "recognized"]
