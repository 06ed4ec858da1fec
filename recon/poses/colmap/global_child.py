"""The global mapper in a process of its own, since pycolmap can't stop it half-way.

`python -P global_child.py DATABASE PHOTOS OUT SEED` writes its models to OUT/0, OUT/1, ... It is
run by path and imports nothing of ours. When standard input closes (its parent is gone) it ends.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path


def main(database: Path, photos: Path, out: Path, seed: int) -> None:
    import pycolmap

    threading.Thread(target=end_with_parent, daemon=True).start()
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    options = pycolmap.GlobalPipelineOptions()
    # In one thread, so that the same photos give the same poses on any number of cores.
    options.num_threads = options.mapper.num_threads = 1
    options.mapper.bundle_adjustment.ceres.solver_options.num_threads = 1
    options.random_seed = seed
    for part in (options.mapper, options.mapper.rotation_averaging,
                 options.mapper.global_positioning, options.mapper.retriangulation):  # fmt: skip
        part.random_seed = seed
    options.mapper.global_positioning.use_gpu = False  # a few photos; the GPU is for training
    options.mapper.bundle_adjustment.ceres.use_gpu = False
    for index, model in pycolmap.global_mapping(database, photos, out, options).items():
        folder = out / str(index)
        folder.mkdir(exist_ok=True)
        model.write(folder)


def end_with_parent() -> None:
    # Not sys.stdin: Python aborts where a thread still holds its buffer at the end.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
