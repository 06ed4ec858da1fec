"""Camera positions that came with the photos: COLMAP models, nerfstudio's transforms.json.

Whoever sent them wrote these files, so they are read here, in Python, not by a native library; what
is wrong with them is a `PoseFileError`. Once read, a `PoseFile` is the same for both kinds.
"""
