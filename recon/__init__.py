"""InstaRecon3D: photos in, a 3D Gaussian-splat scene in the browser out."""

import os

__version__ = "0.1.0"

# By default the threads of OpenMP (torch has a pool, numba another) wait for work by spinning.
# Beside any other busy program that made training on a CPU 2 to 20 times slower. The libraries
# read this once, when they load; hence here, before any of them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
