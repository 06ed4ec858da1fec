"""The engine benchmark's results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Any

Run = dict[str, Any]
_OURS = ("dense_start", "train")  # what is compared with the reference's training
_CONTROL = (24.0, 0.5)  # dB, what the reference has to reach on fern from COLMAP's plain poses


def markdown(results: dict[str, Any]) -> str:
    """All measurements so far."""
    parts = [f"{results['date']}, {results['machine']}\n`{results['command']}`\n"]
    tables = {
        "Whole jobs, from photos to scene": jobs(results["jobs"]),
        "From poses to the evaluated model": engine(results["runs"]),
        "Beside the reference": comparison(results["runs"], results["references"]),
        "Between pose runs": pose_runs(results["runs"]),
        "Steps after training": finishes(results["runs"]),
        "Snapshots": snapshots(results["runs"]) if results["snapshots"] else "",
    }
    parts += [f"### {title}\n\n{text}\n" for title, text in tables.items() if text]
    said = [*origins(results["references"]), *control(results["controls"])]
    notes = dict.fromkeys([*results["notes"], *said])
    parts += [f"- {note}" for note in notes]
    return "\n".join(parts) + "\n"


def jobs(reports: Sequence[Run]) -> str:
    """Seconds of every step of the whole jobs, and the figures of their own summaries."""
    steps = list(dict.fromkeys(step for report in reports for step in report["seconds"]))
    head = ["set", "preset", "seed", "registered", "PSNR", "SSIM", "LPIPS", "Gaussians"]
    head += ["all steps s", "process s", *steps, "dense start", "training", "peak GB"]
    rows = []
    for report in reports:
        if report["status"] not in ("COMPLETED", "STOPPED"):
            rows.append([report["set"], report["preset"], report["seed"], report["error"]])
            continue
        seconds, parts = report["seconds"], report["train_parts"]
        rows.append([
            report["set"], report["preset"], report["seed"],
            f"{report['registered']}/{report['total']}",
            figure(report["psnr"], 2), figure(report["ssim"], 3), figure(report["lpips"], 3),
            report["gaussian_count"] or "",
            figure(sum(seconds.values()), 1), figure(report["process_seconds"], 1),
            *(figure(seconds.get(step), 1) for step in steps),
            *(figure(parts.get(part), 1) for part in _OURS), peak(report["peak_gb_end"]),
        ])  # fmt: skip
    return table(head, rows)


def engine(runs: Sequence[Run]) -> str:
    """Means over seeds and folds, at the training size."""
    head = ["set", "preset", "runs", "px", "steps", "Gaussians", "PSNR", "PSNR corrected"]
    head += ["SSIM", "SSIM corrected", "LPIPS", "load s", "dense start s", "training s"]
    head += ["scoring s", "all s", "peak GB"]
    rows = []
    for (name, preset), group in group_runs(runs):
        rows.append([
            name, preset, protocol(group), "×".join(map(str, group[0]["training_size"])),
            *(f"{mean(run[key] for run in group):,.0f}" for key in ("iterations", "gaussians")),
            spread([run["figures"]["raw"]["psnr"] for run in group], 2),
            *(figure(average(group, "figures", *path), digits) for path, digits in (
                (("corrected", "psnr"), 2), (("raw", "ssim"), 3), (("corrected", "ssim"), 3),
            )),
            figure(average(group, "compared", "raw", "lpips"), 3),
            *(figure(average(group, "seconds", part), 1) for part in
              ("load", *_OURS, "evaluate")),
            figure(mean(sum(run["seconds"].values()) for run in group), 1),
            peak(max((run["peak_gb"] for run in group), key=lambda gb: max(gb.values()))),
        ])  # fmt: skip
    return table(head, rows)


def comparison(runs: Sequence[Run], references: Sequence[Run]) -> str:
    """Ours less the reference's, both at the reference's size; then the mean over the sets, and
    the least of each column with its set."""
    head = ["set", "preset", "reference", "ours", "raw dB", "corrected dB", "raw SSIM"]
    head += ["corrected SSIM", "reference s", "ours s", "times faster"]
    rows: list[list[Any]] = []
    gains: dict[str, dict[str, list[float]]] = {}
    for (name, preset), group in group_runs(runs):
        theirs = [r for r in references if (r["set"], r["preset"]) == (name, preset)]
        if not theirs:
            continue
        pairs = [(kind, metric) for metric in ("psnr", "ssim") for kind in ("raw", "corrected")]
        ours_at = [average(group, "compared", *path) for path in pairs]
        theirs_at = [average(theirs, *path) for path in pairs]
        gained = [a - b for a, b in zip(ours_at, theirs_at, strict=True)]
        ours_s = mean(sum(run["seconds"][part] for part in _OURS) for run in group)
        theirs_s = average(theirs, "seconds", "train")
        gains.setdefault(preset, {})[name] = [*gained, theirs_s / ours_s]
        rows.append([
            name, preset, *(" / ".join(f"{value:.{2 if i < 2 else 3}f}" for i, value in
                                       enumerate(figures)) for figures in (theirs_at, ours_at)),
            *with_sign(gained), f"{theirs_s:.1f}", f"{ours_s:.1f}", f"{theirs_s / ours_s:.1f}",
        ])  # fmt: skip
    for preset, each in gains.items():
        *gained, faster = [mean(column) for column in zip(*each.values(), strict=True)]
        rows.append(["**mean**", preset, "", "", *with_sign(gained), "", "", f"{faster:.1f}"])
        rows.append(["**worst**", preset, "", "", *worst(each)])
    note = "\n\nReference and ours: PSNR raw / corrected / SSIM raw / corrected."
    return table(head, rows) + note if rows else ""


def worst(gains: dict[str, list[float]]) -> list[str]:
    """The least of each of the four gains, and the set that has it."""
    sets = [min(gains, key=lambda name: gains[name][column]) for column in range(4)]
    least = with_sign([gains[name][column] for column, name in enumerate(sets)])
    return [f"{value} ({name})" for value, name in zip(least, sets, strict=True)]


def pose_runs(runs: Sequence[Run]) -> str:
    """How far the same photos come apart if their poses are made again; empty for one run."""
    head = ["set", "preset", "pose runs", "PSNR of each", "spread dB", "corrected", "spread dB"]
    rows = []
    for (name, preset), group in group_runs(runs):
        numbers = sorted({run["pose_run"] for run in group})
        if len(numbers) < 2:
            continue
        cells: list[Any] = []
        for kind in ("raw", "corrected"):
            each = [
                average(
                    [run for run in group if run["pose_run"] == number], "figures", kind, "psnr"
                )
                for number in numbers
            ]
            cells += [", ".join(f"{value:.2f}" for value in each), f"{max(each) - min(each):.2f}"]
        rows.append([name, preset, len(numbers), *cells])
    return table(head, rows)


def finishes(runs: Sequence[Run]) -> str:
    """Seconds of the stages after training, and their overall peak of memory."""
    timed = [run for run in runs if run["stage_seconds"]]
    steps = list(dict.fromkeys(step for run in timed for step in run["stage_seconds"]))
    rows = [
        [
            run["set"],
            run["preset"],
            run["seed"],
            *(figure(run["stage_seconds"][step], 1) for step in steps),
            peak(run["peak_gb_end"]),
        ]
        for run in timed
    ]
    return table(["set", "preset", "seed", *(f"{step} s" for step in steps), "peak GB"], rows)


def snapshots(runs: Sequence[Run]) -> str:
    """How early a page could show something worth looking at, and how far that was from the end."""
    head = ["set", "preset", "seed", "snapshots", "first s", "first dB", "last dB", "behind dB"]
    head += ["within 2 dB after s", "training s", "cost %"]
    head += ["splat kB", "picture kB"]
    rows = []
    for run in runs:
        seen = run["snapshots"]
        if not seen or any(psnr is None for _, _, psnr in seen["history"]):
            continue
        (_, first_s, first), (_, _, last) = seen["history"][0], seen["history"][-1]
        near = next(seconds for _, seconds, psnr in seen["history"] if psnr >= last - 2)
        rows.append([
            run["set"], run["preset"], run["seed"], len(seen["history"]), f"{first_s:.1f}",
            f"{first:.2f}", f"{last:.2f}", f"{last - first:.2f}", f"{near:.1f}",
            figure(run["seconds"]["train"], 1),
            f"{100 * seen['spent_seconds'] / run['seconds']['train']:.1f}",
            *(f"{seen[kind] / 1000:.0f}" for kind in ("splat_bytes", "render_bytes")),
        ])  # fmt: skip
    return table(head, rows)


def origins(references: Sequence[Run]) -> list[str]:
    """Where each reference comes from."""
    return [
        f"Reference of {run['set']}: kept from {run['date']}, {run['device']}."
        if run["cached"]
        else f"Reference of {run['set']}: {afresh(run)}."
        for run in references
    ]


def control(controls: Sequence[Run]) -> list[str]:
    """Whether a fresh run of the reference on fern's plain poses came out as it has to."""
    wanted, tolerance = _CONTROL
    lines = []
    for run in controls:
        good = abs(run["curve"][-1]["raw"]["psnr"] - wanted) <= tolerance
        verdict = f"{wanted} ± {tolerance} dB {'holds' if good else 'DOES NOT HOLD'}"
        lines.append(f"Control, {run['set']} from COLMAP's plain poses: {afresh(run)}; {verdict}.")
    return lines


def afresh(run: Run) -> str:
    """What a fresh run of the reference reached."""
    early, late = run["curve"][0], run["curve"][-1]
    text = (
        f"run afresh on {run['device']}, {late['raw']['psnr']:.2f} dB, {run['gaussians']:,} "
        f"Gaussians, {late['seconds']:.0f} s ({early['raw']['psnr']:.2f} dB at step "
        f"{early['step']}); opacity resets seen: {run['opacity_resets']} "
        "(benchmarks/parts/graphdeco.py says why)"
    )
    if run.get("before") is not None:
        text += f"; kept until now: {run['before']:.2f} dB"
    return text


def group_runs(runs: Sequence[Run]) -> Iterable[tuple[tuple[str, str], list[Run]]]:
    """The runs of each set and preset, in order of appearance."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run["set"], run["preset"]), []).append(run)
    return groups.items()


def protocol(group: Sequence[Run]) -> str:
    seeds, folds = ({run[key] for run in group} for key in ("seed", "fold"))
    words = f"{len(seeds)} seed{'s' * (len(seeds) > 1)}"
    return words if folds == {None} else f"{words}, {len(folds)} folds"


def average(runs: Sequence[Run], *path: str) -> Any:
    """The mean of `run[path[0]][path[1]]...`; None if a run has none."""

    def value(run: Any) -> Any:
        for key in path:
            run = run[key]
        return run

    values = [value(run) for run in runs]
    return None if any(v is None for v in values) else mean(values)


def spread(values: Sequence[float], digits: int) -> str:
    """The mean, and how far the values lie from it."""
    middle = f"{mean(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def with_sign(gained: Sequence[float]) -> list[str]:
    return [f"{value:+.{2 if index < 2 else 3}f}" for index, value in enumerate(gained)]


def peak(gigabytes: dict[str, float]) -> str:
    if "allocated" in gigabytes:
        return f"GPU {gigabytes['allocated']:.1f} ({gigabytes['reserved']:.1f} reserved)"
    return f"RAM {gigabytes['rss']:.1f}"


def figure(value: float | None, digits: int) -> str:
    return "absent" if value is None else f"{value:.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; a row may be short. Empty if there are no rows."""
    if not rows:
        return ""
    filled = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    lines = [" | ".join(map(str, cells)) for cells in (head, *filled)]
    return "\n".join(
        [f"| {lines[0]} |", "|---" * len(head) + "|", *(f"| {r} |" for r in lines[1:])]
    )
