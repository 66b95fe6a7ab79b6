"""Videos: reading, writing, their containers, sound and codecs."""
