"""How much longer a job takes: a range, from what earlier jobs took on this machine.

The model, in logarithms of seconds, of step s of job j with photos x:

    log seconds = log work(s, x) + machine(s) + load(j) + chance(s, j)

`work` is a built-in guess from photos, pixels and settings. `machine` is how much slower each step
is here than that guess: a mean over past runs, in which runs like this one and late ones weigh
most. `load` moves all steps of one job alike, as another program on the machine does; a running
job's finished steps show it. `chance` is the rest. How far `load` and `chance` spread is learnt
too. With few past runs, built-in values stand in for both, and the range is wide.

docs/develop/progress.md has the method with its figures, benchmarks/eta.py measures it. Seconds
everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recon.pipeline.forecast.work_ahead import Plan
from recon.pipeline.progress import WORKING_STEPS, Step

#: Added to all seconds before logarithms: shorter than this, steps are noise.
_NOISE_S = 0.5

#: Distances at which a past run weighs 0.6, in logarithms: of photos, and of pixels a photo.
_PHOTOS_REACH, _PIXELS_REACH = 0.8, 1.0
_OTHER_PRESET = 0.25  # weight of a run with another preset
_FADING = 0.95  # weight of each run to the one after it

# What is believed before anything was seen, as if seen in one run.
_MACHINE_SPREAD = 0.5
_LOAD_SPREAD = 0.15
_CHANCE: dict[Step, float] = {Step.COLMAP_MAP: 0.4}
_OTHER_CHANCE = 0.15

_WIDTH = 1.5  # standard deviations to either side: seven of eight, were all of it normal
_NARROW = 1.28  # where that comes out too wide to be of use: eight of ten
_LEAST = 0.06  # half the range's logarithm: two runs of one job differ by as much
_MOST = math.log(1.55) / 2  # wherever what was seen allows it
_MOST_EVER = math.log(3.0) / 2


class Range(NamedTuple):
    """Seconds, from low to high."""

    low: float
    high: float


@dataclass(frozen=True)
class Run:
    """What a past job asked for, and the seconds of those of its steps that ended well."""

    plan: Plan
    seconds: Mapping[Step, float]


@dataclass(frozen=True)
class Expectation:
    """What a job like this should take here, before it has begun."""

    seconds: dict[Step, float]  # each step's middle
    chance: dict[Step, float]  # each step's own spread, in logarithms
    load: float  # spread that all steps of a job share, in logarithms


@dataclass(frozen=True)
class Forecast:
    """What is left of a job: in all, and of each step from the present one on."""

    left: Range
    steps: dict[Step, float]


def expect(plan: Plan, past: Sequence[Run]) -> Expectation:
    """What `plan` should take, learnt from `past` runs, the latest first."""
    weights = [_likeness(plan, run.plan) * _FADING**rank for rank, run in enumerate(past)]
    ratios = [_ratios(run) for run in past]
    machine, doubt = {}, {}
    for step in WORKING_STEPS:
        seen = [(w, r[step]) for w, r in zip(weights, ratios, strict=True) if step in r]
        noise = _chance(step) ** 2 + _LOAD_SPREAD**2
        believed = noise / _MACHINE_SPREAD**2
        weight = sum(w for w, _ in seen) + believed
        machine[step] = sum(w * r for w, r in seen) / weight
        doubt[step] = noise / weight
    middle = {
        step: max((plan.seconds[step] + _NOISE_S) * math.exp(machine[step]) - _NOISE_S, 0.05)
        for step in WORKING_STEPS
    }
    rests = [{step: r - machine[step] for step, r in run.items()} for run in ratios]
    loads = [_mean_by_seconds(rest, middle) for rest in rests]
    load = _spread([(w, load) for w, load in zip(weights, loads, strict=True)], _LOAD_SPREAD)
    # What is not known of the machine yet is half one speed for all steps, half each step's own.
    load = math.sqrt(load**2 + doubt[Step.GS_TRAIN] / 2)
    chance = {}
    for step in WORKING_STEPS:
        own = [
            (w, rest[step] - load_of)
            for w, rest, load_of in zip(weights, rests, loads, strict=True)
            if step in rest
        ]
        chance[step] = math.sqrt(_spread(own, _chance(step)) ** 2 + doubt[step] / 2)
    return Expectation(seconds=middle, chance=chance, load=load)


def forecast(
    expected: Expectation,
    *,
    step: Step = Step.QUEUED,
    fraction: float = 0.0,
    in_step: float = 0.0,
    taken_over: float = 0.0,
    done: Mapping[Step, float] | None = None,
    reusable: frozenset[Step] = frozenset(),
) -> Forecast:
    """What is left of a job at `fraction` of `step`, which began `in_step` seconds ago.

    `taken_over` is the part of it that an earlier attempt had done, in no time of this one.
    `done` has the seconds of its finished steps; `reusable` the steps ahead whose results an
    earlier attempt has left, which take no time. `Step.QUEUED` is a job that has not begun.
    """
    seen = {s: (seconds, 0.0) for s, seconds in (done or {}).items()}
    steps = list(WORKING_STEPS)
    at = steps.index(step) if step in steps else -1
    seconds: dict[Step, float] = {}
    variance = 0.0
    if at >= 0:
        fraction = max(fraction, taken_over)
        told = _estimate_by_progress(fraction, taken_over, in_step)
        here, spread = _seconds_of_step(expected, steps[at], *_load_of(expected, seen), told)
        whole = here * (1.0 - taken_over)  # of what is this attempt's
        left = here * (1.0 - fraction) if told else max(whole - in_step, whole / 3)
        seconds[steps[at]] = left
        variance += (left * spread) ** 2
        if told:
            seen[steps[at]] = told
    load, doubt = _load_of(expected, seen)
    ahead = {s: expected.seconds[s] * math.exp(load) for s in steps[at + 1 :] if s not in reusable}
    variance += sum((ahead[s] * expected.chance[s]) ** 2 for s in ahead)
    variance += sum(ahead.values()) ** 2 * doubt
    seconds |= ahead
    total = sum(seconds.values())
    return Forecast(_range(total, variance), seconds)


def starts_in(running: Sequence[Range], ahead: Sequence[Range], workers: int) -> Range:
    """When a waiting job begins: after the running jobs and those in front of it in the queue.

    Each worker takes the next job in line as soon as it is free; `running` has what is left of the
    present ones, `ahead` what each of the others takes.
    """

    def begin(pick: int) -> float:
        free = sorted(r[pick] for r in running)[-max(workers, 1) :]
        free += [0.0] * (max(workers, 1) - len(free))
        for job in ahead:
            free.sort()
            free[0] += job[pick]
        return min(free)

    return Range(begin(0), begin(1))


def begins_in(
    free: Sequence[Range], ahead: Sequence[tuple[Range, Sequence[int]]], own: Sequence[int]
) -> Range:
    """The same where not every worker may do every job.

    `free` has when each worker is free, `ahead` what each job in front takes and which workers
    (by their place in `free`) may do it, `own` which may do this one, at least one.
    """

    def begin(pick: int) -> float:
        at = [worker[pick] for worker in free]
        for job, places in ahead:
            if places:
                at[min(places, key=at.__getitem__)] += job[pick]
        return min(at[place] for place in own)

    return Range(begin(0), begin(1))


def _likeness(plan: Plan, other: Plan) -> float:
    """How much a run of `other` says about `plan`, 0 to 1."""
    photos = math.log(plan.photos / other.photos) / _PHOTOS_REACH
    pixels = math.log(plan.megapixels / other.megapixels) / _PIXELS_REACH
    same = (
        1.0 if (plan.preset, plan.folds > 0) == (other.preset, other.folds > 0) else _OTHER_PRESET
    )
    return same * math.exp(-(photos**2 + pixels**2) / 2)


def _ratios(run: Run) -> dict[Step, float]:
    """How much longer each step took than guessed, in logarithms."""
    return {
        step: math.log((seconds + _NOISE_S) / (run.plan.seconds[step] + _NOISE_S))
        for step, seconds in run.seconds.items()
    }


def _chance(step: Step) -> float:
    return _CHANCE.get(step, _OTHER_CHANCE)


def _mean_by_seconds(values: Mapping[Step, float], seconds: Mapping[Step, float]) -> float:
    """The mean of `values`, in which long steps count most."""
    total = sum(seconds[step] for step in values)
    return sum(value * seconds[step] for step, value in values.items()) / total if total else 0.0


def _spread(seen: Sequence[tuple[float, float]], believed: float) -> float:
    """The standard deviation of (weight, value) around 0, with `believed` as one more value."""
    weight = sum(w for w, _ in seen) + 1.0
    return math.sqrt((sum(w * value**2 for w, value in seen) + believed**2) / weight)


def _load_of(
    expected: Expectation, seen: Mapping[Step, tuple[float, float]]
) -> tuple[float, float]:
    """The running job's load in logarithms, and its variance, as its steps so far tell them.

    `seen` has each step's seconds, and the spread of these in logarithms: 0 for finished ones.
    """
    total, precision = 0.0, 1.0 / expected.load**2
    for step, (seconds, spread) in seen.items():
        middle = expected.seconds[step] + _NOISE_S
        # Of a step of half a second, half is the time that anything takes.
        own = expected.chance[step] ** 2 + (_NOISE_S / middle) ** 2 + spread**2
        total += math.log((seconds + _NOISE_S) / middle) / own
        precision += 1.0 / own
    return total / precision, 1.0 / precision


def _estimate_by_progress(
    fraction: float, taken_over: float, in_step: float
) -> tuple[float, float] | None:
    """What the present step's own progress says about its seconds in all, and how certain that is.

    None where it has hardly begun, or hardly anything of it is left to this attempt.
    """
    here = min(fraction, 1.0) - taken_over
    if here <= 0.02 or in_step <= 1.0:
        return None
    return in_step / here, 0.08 + 0.4 * (1.0 - here / (1.0 - taken_over))


def _seconds_of_step(
    expected: Expectation,
    step: Step,
    load: float,
    doubt: float,
    told: tuple[float, float] | None,
) -> tuple[float, float]:
    """Seconds of the present step in all, and their spread in logarithms.

    What was expected and what its own progress says are weighed.
    """
    whole, variance = math.log(expected.seconds[step]) + load, expected.chance[step] ** 2 + doubt
    if told:
        own = told[1] ** 2
        whole = (whole / variance + math.log(told[0]) / own) / (1 / variance + 1 / own)
        variance = 1 / (1 / variance + 1 / own)
    return math.exp(whole), math.sqrt(variance)


def _range(total: float, variance: float) -> Range:
    spread = math.sqrt(variance) / total if total else 0.0
    half = _WIDTH * spread
    if half > _MOST:
        half = max(_MOST, _NARROW * spread)
    half = min(max(half, _LEAST), _MOST_EVER)
    return Range(total * math.exp(-half), total * math.exp(half))
