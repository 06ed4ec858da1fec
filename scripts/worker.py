"""Becomes `manage.py rqworker` number N, on the Nth GPU where there are several.

    python scripts/worker.py N
    python scripts/worker.py checks
    python scripts/worker.py videos

One worker serves one GPU: with more workers than GPUs, they share. The workers for photo
checks, which also sends mails about accounts, and for videos see none.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.getcwd())

from instarecon_site.machine import gpu_count


def main() -> None:
    if sys.argv[1] in ("checks", "videos"):
        # A mail about an account is short, and somebody waits for it.
        queues = ["mail", "checks"] if sys.argv[1] == "checks" else ["videos"]
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    else:
        queues = ["recon"]
        choose_gpu(int(sys.argv[1]))
    command = [sys.executable, "manage.py", "rqworker", *queues]
    os.execv(sys.executable, [*command, "--serializer", "rq.serializers.JSONSerializer"])


def choose_gpu(number: int) -> None:
    gpus = gpu_count()
    if gpus > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[number % gpus].strip()


if __name__ == "__main__":
    main()
