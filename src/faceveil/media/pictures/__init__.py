"""Pictures: reading and writing, whatever their format and depth."""
