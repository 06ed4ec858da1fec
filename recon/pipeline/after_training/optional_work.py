"""Optional work never fails a job: it is left out, and the person is told."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from typing import TypeVar

import torch

from recon.pipeline.errors import Cancelled
from recon.pipeline.words.reasons import Reason
from recon.reporting import Report

T = TypeVar("T")


def attempt(work: Callable[[], T], report: Report, warning: str, **facts: object) -> T | Reason:
    """What `work` gives, or why it failed. In that case the log has the details, and the person is
    warned by the code `warning` with the reason and `facts`. Raises Cancelled."""
    try:
        return work()
    except Cancelled:
        raise
    except torch.OutOfMemoryError:
        reason = Reason("out_of_memory")
    except Exception as error:
        for line in traceback.format_exc().rstrip().splitlines():
            report.log(line)
        reason = Reason.of(error)
    # Outside of the `except`, whose traceback keeps the work's tensors alive.
    gc.collect()
    torch.cuda.empty_cache()
    report.warn(warning, reason=reason.to_dict(), **facts)
    return reason
