"""`work/together.json`: photos from nearly one spot, which are held out or trained on together."""

from __future__ import annotations

import json

from recon.pipeline.workspace import Workspace, write_json


def write_same_spot(workspace: Workspace, groups: list[list[str]]) -> None:
    write_json(workspace.together_json, groups)


def read_same_spot(workspace: Workspace) -> list[list[str]]:
    """The groups, by names in work/images, two or more each; none where nobody looked."""
    try:
        groups: list[list[str]] = json.loads(workspace.together_json.read_text())
    except FileNotFoundError:
        return []
    return groups
