"""The arithmetic of the time left: what it learns, how wide ranges are, how a queue adds up."""

from __future__ import annotations

import math
import random

import pytest

from recon.pipeline.forecast.time_left import Range, Run, expect, forecast, starts_in
from recon.pipeline.forecast.work_ahead import Plan, plan_of, steps_of
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.pipeline.wishes import Wishes
from recon.pipeline.wishes_to_settings import resolve

QUICK = PRESETS["quick"]


def plan(photos: int = 12, size: tuple[int, int] = (800, 600), preset: str = "quick") -> Plan:
    return plan_of([size] * photos, PRESETS[preset], gpu=False)


def run(asked: Plan, slower: float = 1.0, **other: float) -> Run:
    """A past run, `slower` times as slow as the built-in guess; `other` for single steps."""
    factors = {step: other.get(step.value, slower) for step in WORKING_STEPS}
    return Run(asked, {step: asked.seconds[step] * factors[step] for step in WORKING_STEPS})


def total(asked: Plan) -> float:
    return sum(asked.seconds.values())


def test_a_fresh_machine_gets_a_wide_range_around_the_built_in_guess() -> None:
    left = forecast(expect(plan(), [])).left
    assert left.low < total(plan()) < left.high
    assert 1.6 < left.high / left.low <= 3.01


def test_runs_like_this_one_make_it_narrow_and_move_it() -> None:
    left = forecast(expect(plan(), [run(plan(), 2.0)] * 6)).left
    assert left.low < 2 * total(plan()) < left.high
    assert left.high / left.low <= 1.6


def test_each_step_learns_its_own_speed() -> None:
    past = [run(plan(), 1.0, GS_TRAIN=3.0)] * 8
    seconds = expect(plan(), past).seconds
    assert seconds[Step.GS_TRAIN] == pytest.approx(3 * plan().seconds[Step.GS_TRAIN], rel=0.1)
    assert seconds[Step.EXPORT_PLY] == pytest.approx(plan().seconds[Step.EXPORT_PLY], rel=0.1)


def test_runs_unlike_this_one_teach_little() -> None:
    like, unlike = plan(), plan(photos=3, size=(4000, 3000), preset="high")
    seconds = expect(like, [run(unlike, 4.0), *[run(like, 1.0)] * 3]).seconds[Step.GS_TRAIN]
    assert seconds == pytest.approx(like.seconds[Step.GS_TRAIN], rel=0.1)


def test_late_runs_teach_more_than_early_ones() -> None:
    slow_now = [*[run(plan(), 2.0)] * 20, *[run(plan(), 1.0)] * 20]
    late = expect(plan(), slow_now).seconds[Step.GS_TRAIN]
    early = expect(plan(), slow_now[::-1]).seconds[Step.GS_TRAIN]
    assert late > 1.2 * early


def test_steps_of_jobs_that_failed_later_teach_too() -> None:
    failed = Run(plan(), {Step.COLMAP_FEAT: 3 * plan().seconds[Step.COLMAP_FEAT]})
    taught = expect(plan(), [failed] * 5)
    assert taught.seconds[Step.COLMAP_FEAT] > 2 * plan().seconds[Step.COLMAP_FEAT]
    other = expect(plan(), []).seconds[Step.GS_TRAIN]
    assert taught.seconds[Step.GS_TRAIN] == pytest.approx(other)


def test_a_job_on_a_busy_machine_is_noticed_by_its_first_steps() -> None:
    noisy = [run(plan(), factor) for factor in (0.8, 1.0, 1.3, 1.6, 0.9)]
    taught = expect(plan(), noisy)
    slow = {s: 1.8 * taught.seconds[s] for s in (Step.PREFLIGHT, Step.COLMAP_FEAT)}
    calm = {s: taught.seconds[s] for s in slow}
    busy = forecast(taught, step=Step.COLMAP_MATCH, done=slow).left
    assert busy.low > 1.1 * forecast(taught, step=Step.COLMAP_MATCH, done=calm).left.low


def test_time_left_shrinks_step_by_step() -> None:
    taught = expect(plan(), [run(plan())] * 5)
    lefts = [forecast(taught, step=step).left.high for step in (Step.QUEUED, *WORKING_STEPS)]
    assert lefts[0] == pytest.approx(lefts[1], rel=0.01)
    assert lefts[1:] == sorted(lefts[1:], reverse=True)
    assert list(forecast(taught, step=Step.EVALUATION).steps) == [Step.EVALUATION, Step.EXPORT_PLY]


def test_the_present_step_s_own_progress_counts_more_the_further_it_is() -> None:
    taught = expect(plan(), [run(plan())] * 5)
    training = taught.seconds[Step.GS_TRAIN]

    def whole(fraction: float) -> float:
        """The seconds of training predicted in all, when it runs half as fast as expected."""
        spent = 2 * training * fraction
        told = forecast(taught, step=Step.GS_TRAIN, fraction=fraction, in_step=spent)
        return spent + told.steps[Step.GS_TRAIN]

    assert training < whole(0.1) < whole(0.5)
    assert whole(0.9) == pytest.approx(2 * training, rel=0.1)


def test_a_step_that_takes_longer_than_it_should_never_has_less_than_nothing_left() -> None:
    taught = expect(plan(), [run(plan())] * 5)
    told = forecast(taught, step=Step.COLMAP_MAP, fraction=0.5, in_step=600.0)
    assert told.steps[Step.COLMAP_MAP] > 0
    assert told.left.low > 0


def test_steps_that_an_earlier_attempt_has_left_take_no_time() -> None:
    taught = expect(plan(), [run(plan())] * 5)
    all_of_it = forecast(taught, step=Step.PREFLIGHT)
    rest = forecast(taught, step=Step.PREFLIGHT, reusable=frozenset({Step.GS_TRAIN}))
    assert Step.GS_TRAIN not in rest.steps
    assert rest.left.high < all_of_it.left.low


def test_ranges_hold_what_they_promise_on_made_up_machines() -> None:
    """Machines and jobs drawn from the model, with random load per job and noise per step."""
    dice = random.Random(5)
    held, jobs = 0, 300
    for _ in range(jobs):
        machine = math.exp(dice.gauss(0, 0.5))
        plans = [plan(dice.choice((5, 8, 12, 20)), dice.choice(SIZES)) for _ in range(7)]
        past = [at_random(p, machine, dice) for p in plans[1:]]
        truth = at_random(plans[0], machine, dice)
        done = {s: truth.seconds[s] for s in (Step.PREFLIGHT, Step.COLMAP_FEAT)}
        left = forecast(expect(plans[0], past), step=Step.COLMAP_MATCH, done=done).left
        held += left.low <= sum(truth.seconds.values()) - sum(done.values()) <= left.high
    assert held >= 0.8 * jobs


SIZES = ((640, 480), (800, 600), (1600, 1200))


def at_random(asked: Plan, machine: float, dice: random.Random) -> Run:
    load = math.exp(dice.gauss(0, 0.1))
    chance = {s: math.exp(dice.gauss(0, 0.1)) for s in WORKING_STEPS}
    seconds = {s: asked.seconds[s] * machine * load * chance[s] for s in WORKING_STEPS}
    return Run(asked, seconds)


class TestGuess:
    @pytest.mark.parametrize("gpu", [False, True])
    @pytest.mark.parametrize("preset", sorted(PRESETS))
    def test_every_step_takes_some_time_and_more_photos_take_more(
        self, preset: str, gpu: bool
    ) -> None:
        few, many = (plan_of([(800, 600)] * n, PRESETS[preset], gpu=gpu) for n in (5, 20))
        assert list(few.seconds) == list(WORKING_STEPS)
        assert all(0 < few.seconds[step] <= many.seconds[step] for step in WORKING_STEPS)
        assert total(few) < total(many)

    def test_holding_out_every_photo_takes_a_training_for_each_further_fold(self) -> None:
        folds = resolve(Wishes("standard", cross_validate=True))
        plain, each = (plan_of([(800, 600)] * 8, c, gpu=True) for c in (PRESETS["standard"], folds))
        assert (plain.folds, each.folds) == (0, 4)  # of five, one is the job's own split
        more = each.seconds[Step.EVALUATION] - plain.seconds[Step.EVALUATION]
        assert more == pytest.approx(4 * plain.seconds[Step.GS_TRAIN], rel=0.2)

    def test_the_settings_count(self) -> None:
        quick = resolve(
            Wishes("quick", final_refine=False), overrides={"train": {"iterations": 100}}
        )
        assert total(plan_of([(800, 600)] * 8, quick, gpu=False)) < total(plan(8))

    def test_training_steps_are_those_of_the_engine(self) -> None:
        assert steps_of(QUICK, 20) == 1200  # 16 to train on
        assert steps_of(QUICK, 3) == QUICK.train.min_iterations


class TestQueue:
    def test_a_free_worker_takes_the_job_at_once(self) -> None:
        assert starts_in([], [], 1) == (0, 0)
        assert starts_in([Range(50, 60)], [], 2) == (0, 0)

    def test_the_next_in_line_waits_for_the_job_that_runs(self) -> None:
        assert starts_in([Range(50, 60)], [], 1) == (50, 60)

    def test_those_in_front_come_first(self) -> None:
        assert starts_in([Range(50, 60)], [Range(100, 150), Range(10, 20)], 1) == (160, 230)

    def test_several_workers_share_the_line(self) -> None:
        running = [Range(50, 60), Range(10, 20)]
        assert starts_in(running, [Range(100, 150)], 2) == (50, 60)
        assert starts_in(running, [Range(100, 150), Range(10, 20)], 2) == (60, 80)


def test_what_an_earlier_attempt_had_done_of_a_step_tells_no_speed() -> None:
    """At 80% after 10 seconds, 60% of it taken over: 20% took 10 s, and 20% is left."""
    asked = plan()
    taught = expect(asked, [run(asked)] * 5)
    told = forecast(taught, step=Step.GS_TRAIN, fraction=0.8, in_step=10.0, taken_over=0.6).steps[
        Step.GS_TRAIN
    ]
    whole = forecast(taught, step=Step.GS_TRAIN, fraction=0.8, in_step=40.0).steps[Step.GS_TRAIN]
    assert told == pytest.approx(whole, rel=0.25)
    wrong = forecast(taught, step=Step.GS_TRAIN, fraction=0.8, in_step=10.0).steps[Step.GS_TRAIN]
    assert told > 1.3 * wrong


def test_a_step_that_goes_on_has_only_its_rest_left_from_the_first() -> None:
    asked = plan()
    taught = expect(asked, [run(asked)] * 5)
    expected = taught.seconds[Step.GS_TRAIN]
    told = forecast(taught, step=Step.GS_TRAIN, fraction=0.0, in_step=0.5, taken_over=0.75)
    assert told.steps[Step.GS_TRAIN] == pytest.approx(expected / 4, rel=0.2)
    done = forecast(taught, step=Step.GS_TRAIN, fraction=1.0, in_step=9.0, taken_over=1.0)
    assert 0 <= done.steps[Step.GS_TRAIN] < 0.2 * expected
