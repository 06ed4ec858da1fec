"""Becomes `manage.py rqworker` number N, on the Nth GPU where there are several.

    python scripts/worker.py N [--gpu GPU]
    python scripts/worker.py checks
    python scripts/worker.py videos

One worker serves one GPU: with more workers than GPUs, they share. `--gpu` names another by its
number (as in `nvidia-smi`) or UUID. The workers for photo checks, which also send mails about
accounts, and for videos see none.
"""

from __future__ import annotations

import argparse
import os
import sys

sys.path.insert(0, os.getcwd())

from instarecon_site.machine import gpu_count


def main() -> None:
    asked = arguments()
    if asked.worker in ("checks", "videos"):
        # A mail about an account is short, and somebody waits for it.
        queues = ["mail", "checks"] if asked.worker == "checks" else ["videos"]
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    else:
        queues = ["recon"]
        os.environ["RECON_WORKER_NUMBER"] = asked.worker
        choose_gpu(int(asked.worker), asked.gpu)
    command = [sys.executable, "manage.py", "rqworker", *queues]
    os.execv(sys.executable, [*command, "--serializer", "rq.serializers.JSONSerializer"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Starts one worker of the site.")
    parser.add_argument("worker", type=which_worker, help="its number, or checks, or videos")
    parser.add_argument("--gpu", help="number or UUID of its GPU, as in nvidia-smi")
    return parser.parse_args()


def which_worker(text: str) -> str:
    if text not in ("checks", "videos") and not text.isdecimal():
        raise argparse.ArgumentTypeError("a number, checks or videos")
    return text


def choose_gpu(number: int, named: str | None = None) -> None:
    # CUDA would count the fastest first, the driver (and nvidia-smi) does not.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    if named is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = named
        return
    gpus = gpu_count()
    if gpus > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[number % gpus].strip()


if __name__ == "__main__":
    main()
