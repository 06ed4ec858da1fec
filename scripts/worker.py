"""Becomes `manage.py rqworker` number N, on the Nth GPU where there are several.

    python scripts/worker.py N

One worker serves one GPU: with more workers than GPUs they share, in turn.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.getcwd())

from instarecon_site.machine import gpu_count


def main() -> None:
    number, gpus = int(sys.argv[1]), gpu_count()
    if gpus > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[number % gpus].strip()
    command = [sys.executable, "manage.py", "rqworker", "recon"]
    os.execv(sys.executable, [*command, "--serializer", "rq.serializers.JSONSerializer"])


if __name__ == "__main__":
    main()
