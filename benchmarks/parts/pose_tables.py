"""The results of the benchmark of poses as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.parts.pose_sets import scenes_of
from benchmarks.parts.tables import figure, table

Run = dict[str, Any]

MAX_ROTATION = 0.2  # degrees, median: the target on rendered scenes
MAX_POSITION = 0.005  # of the scene's size, median


def markdown(results: dict[str, Any]) -> str:
    """All measurements so far."""
    parts = [f"{results['date']}, {results['machine']}\n`{results['command']}`\n"]
    tables = {
        "Registered photos": sets(results["sets"]),
        "Subsets of photos": subsets(results["subsets"]),
        "Accuracy on rendered scenes": accuracy(results["accuracy"]),
        "Spread between runs": spread(results["spread"]),
        "Sets that no single scene can be made of": mixtures(results["mixed"]),
    }
    parts += [f"### {title}\n\n{text}\n" for title, text in tables.items() if text]
    return "\n".join(parts)


def sets(runs: Sequence[Run]) -> str:
    """Registered photos, and the seconds of all steps and of every rung."""
    rungs = list(dict.fromkeys(rung["name"] for run in runs for rung in run["rungs"]))
    head = ["set", "default COLMAP", "whole ladder", "rung", "points a photo", "all s"]
    head += ["outside the first rung %", *(f"{name} s" for name in rungs), "load"]
    rows = []
    for run in runs:
        each = {rung["name"]: rung for rung in run["rungs"]}
        rows.append([
            run["set"], f"{run['default']['registered']}/{run['photos']}", registered(run),
            run["rung"] or "", figure((run["model"] or {}).get("points_per_photo"), 0),
            figure(sum(run["seconds"].values()), 1), outside(run),
            *(rung_seconds(each.get(name)) for name in rungs), run["load"],
        ])  # fmt: skip
    return table(head, rows)


def registered(run: Run) -> str:
    """ "7/8", or why there is no model."""
    return run["error"] or f"{run['registered']}/{run['photos']}"


def outside(run: Run) -> str:
    """The share of the seconds that COLMAP_MAP spent outside the first rung, in %."""
    steps = run["seconds"]
    if not run["rungs"] or "COLMAP_MAP" not in steps:
        return ""
    spent = steps["COLMAP_MAP"] - run["rungs"][0]["seconds"]
    return f"{100 * spent / sum(steps.values()):.1f}"


def rung_seconds(rung: Run | None) -> str:
    if rung is None or rung["outcome"] == "skipped":
        return "–"
    return f"{rung['seconds']:.1f}"


def subsets(runs: Sequence[Run]) -> str:
    """How many of the random subsets were placed completely, by COLMAP's defaults and by the
    ladder."""
    head = ["set", "photos", "subsets", "default: all placed", "ladder: all placed"]
    head += ["default: photos placed", "ladder: photos placed", "no model", "s each"]
    rows = []
    for (name, size), group in group_runs(runs):
        count, photos = len(group), len(group) * size
        by_default = [run["default"]["registered"] for run in group]
        by_ladder = [run["registered"] for run in group]
        rows.append([
            name, size, count,
            *(share(sum(placed == size for placed in each), count)
              for each in (by_default, by_ladder)),
            *(share(sum(each), photos) for each in (by_default, by_ladder)),
            sum(run["error"] is not None for run in group),
            figure(sum(run["all_seconds"] for run in group) / count, 1),
        ])  # fmt: skip
    return table(head, rows)


def group_runs(runs: Sequence[Run]) -> Iterable[tuple[tuple[str, int], list[Run]]]:
    """The runs of each set and size, in order of appearance."""
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        groups.setdefault((run["set"], run["photos"]), []).append(run)
    return groups.items()


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}%"


def accuracy(runs: Sequence[Run]) -> str:
    """Errors after the similarity transform that best aligns the cameras with the true ones."""
    head = ["scene", "registered", "camera models", "rotation °", "worst", "position %", "worst"]
    head += ["within target"]
    rows = []
    for run in runs:
        if run["error"]:
            rows.append([run["set"], run["error"]])
            continue
        good = run["rotation"] < MAX_ROTATION and run["position"] < MAX_POSITION
        rows.append([
            run["set"], registered(run), ", ".join(run["models"]),
            *(f"{run[key]:.3f}" for key in ("rotation", "rotation_max")),
            *(f"{100 * run[key]:.3f}" for key in ("position", "position_max")),
            "yes" if good and run["registered"] == run["photos"] else "NO",
        ])  # fmt: skip
    note = (
        f"\n\nMedians and worst photos; position in % of the diagonal of the box around the true "
        f"cameras. Targets: {MAX_ROTATION}° and {100 * MAX_POSITION}% in the median."
    )
    return table(head, rows) + note if rows else ""


def spread(runs: Sequence[Run]) -> str:
    """How far apart several runs of the same photos are."""
    head = ["set", "runs", "photos", "rung", "points", "rotation °", "position %"]
    head += ["COLMAP_MAP s", "CPU s of all steps"]
    rows = []
    for run in runs:
        each = run["runs"]
        models = [one["model"] or {} for one in each]
        rows.append([
            run["set"], len(each), among(registered(one) for one in each),
            among(one["rung"] or "" for one in each),
            among(str(model.get("points", 0)) for model in models),
            *("" if run[key] is None else f"{scale * run[key]:.4f}"
              for key, scale in (("rotation", 1), ("position", 100))),
            among(figure(one["seconds"].get("COLMAP_MAP"), 1) for one in each),
            among(figure(one["cpu_seconds"], 0) for one in each),
        ])  # fmt: skip
    note = (
        "\n\nThe largest difference of any photo from the first run; position in % of the diagonal "
        "of the box around the cameras. Every second run had one core."
    )
    return table(head, rows) + note if rows else ""


def among(values: Iterable[str]) -> str:
    """What all runs have in common, or what each has."""
    found = list(values)
    return found[0] if len(set(found)) == 1 else ", ".join(found)


def mixtures(runs: Sequence[Run]) -> str:
    """The result: an error's code, or which scenes' photos were placed, and which groups there
    are."""
    head = ["set", "photos", "outcome", "placed", "groups by shared matches", "warnings", "s"]
    rows = [
        [
            run["set"], run["photos"], run["error"] or "model", scenes_of(run["placed"]),
            "; ".join(scenes_of(group) for group in run["groups"] if len(group) > 1),
            ", ".join(run["warnings"]), figure(run["all_seconds"], 1),
        ]
        for run in runs
    ]  # fmt: skip
    return table(head, rows)
