"""Documents: files that hold pictures and films beside their text."""
