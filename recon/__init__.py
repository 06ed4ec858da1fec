"""InstaRecon3D: photos in, a 3D Gaussian-splat scene in the browser out."""

__version__ = "0.1.0"
