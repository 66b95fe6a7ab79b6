"""Archives: their members, and writing them anew."""
