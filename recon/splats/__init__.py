"""Gaussian splats: from posed photos to a scene, and how good it is."""

import os
from pathlib import Path

from recon.splats.kernel_cache import kernel_cache

# numba reads it once, when it loads; hence here, before any module with kernels.
os.environ["NUMBA_CACHE_DIR"] = kernel_cache(
    Path(__file__).parent, os.environ.get("NUMBA_CACHE_DIR")
)
