"""Find everything that a file holds beside its picture or its sound, format by format.

Every walker reads the bytes of its format and works from a list of what is *needed* to show or play
it; it names everything else: metadata, second copies of the picture, bytes that nothing refers to.
Names only, never contents.
"""
