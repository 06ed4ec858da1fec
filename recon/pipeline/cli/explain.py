"""How a job's photos were placed, in plain words, for the command line and `explain_job`."""

from __future__ import annotations

from recon.pipeline.outcome import read_pair_graph
from recon.pipeline.records import RecordError
from recon.pipeline.workspace import Workspace
from recon.poses.ladder.explain import explain


def explain_poses(workspace: Workspace) -> str:
    """What the pair graph shows; if there is none to read, it says so."""
    try:
        return explain(read_pair_graph(workspace))
    except FileNotFoundError:
        return "The photos have not been matched yet, so there is nothing to explain."
    except RecordError:
        return "The pair graph was written by another version. Run the matching step again."
