"""What a picture says of itself, read before any decoder sees it, one format a file.

Each module has `measure(file, limits)`: it walks the whole structure in bounded memory, and gives
width, height and frames together with the picture less everything that is not needed to draw it
(text, profiles, thumbnails, what stands behind the end). A decoder that allocates at the sight of
a header, inflates a comment or obeys the last of two sizes never gets to.
"""
