"""The last touch on a model: kept where it predicts left-out observations, and right there."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pycolmap
import pytest

from recon.pipeline.progress import ListReporter
from recon.pipeline.stages.mapping import finish
from recon.poses.config import MappingConfig
from recon.poses.ladder.candidates import candidate
from recon.poses.ladder.sources import Work
from recon.poses.models import checks
from recon.poses.models.left_out import Comparison, leave_out, prediction_errors
from recon.poses.models.polishing import polish
from recon.samples import PoseErrors, pose_errors
from tests.core.cloud_model import FOCAL, NOISE, PHOTOS, cloud_model, true_poses
from tests.core.test_principal_points import quiet


def off(model: pycolmap.Reconstruction) -> PoseErrors:
    found = {
        model.images[i].name: model.images[i].cam_from_world().matrix()
        for i in model.reg_image_ids()
    }
    truth = {f"{number}.jpg": pose.matrix() for number, pose in enumerate(true_poses())}
    return pose_errors(found, truth)


def test_a_robust_loss_is_kept_where_matches_are_wrong_and_brings_poses_nearer_to_the_truth() -> (
    None
):
    model = cloud_model(wrong=0.15)
    before = off(model)
    polished = polish(model, {}, quiet)
    assert polished.robust is not None
    assert polished.robust.favours_after
    after = off(polished.model)
    assert after.median_rotation < 0.9 * before.median_rotation
    assert after.median_position < 0.9 * before.median_position
    assert "a robust loss: kept, " in polished.log_lines[0]


def test_a_lens_that_bends_twice_gets_a_second_term() -> None:
    model = cloud_model(second_term=-0.15)
    before = off(model)
    polished = polish(model, {}, quiet)
    assert polished.second_term is not None
    assert polished.second_term.favours_after
    [camera] = polished.model.cameras.values()
    assert camera.model_name == "RADIAL"
    assert camera.params[4] == pytest.approx(-0.15, abs=0.03)
    assert off(polished.model).median_rotation < 0.9 * before.median_rotation
    [given] = model.cameras.values()
    assert given.model_name == "SIMPLE_RADIAL"


def test_a_model_that_nothing_betters_stays_the_same() -> None:
    model = cloud_model()
    polished = polish(model, {}, quiet)
    assert polished.model is model
    assert [("not kept" in line) for line in polished.log_lines] == [True, True]


def test_too_few_observations_tell_nothing() -> None:
    model = cloud_model(points=40, wrong=0.15)
    polished = polish(model, {}, quiet)
    assert polished.model is model
    assert polished.log_lines == []


def test_photos_and_keypoints_stay_and_only_outliers_go() -> None:
    model = cloud_model(wrong=0.15)
    polished = polish(model, {}, quiet).model
    assert {polished.image(i).name for i in polished.reg_image_ids()} == {
        f"{number}.jpg" for number in range(PHOTOS)
    }
    observations = model.compute_num_observations()
    assert 0.95 * observations <= polished.compute_num_observations() <= observations
    assert np.array_equal(*(m.image(1).points2D[5].xy for m in (polished, model)))
    assert polished.points3D[min(polished.points3D)].color.tolist() == [9, 99, 199]


def test_a_focal_length_that_was_held_stays_held() -> None:
    model = cloud_model(second_term=-0.15, wrong=0.15)
    [camera] = model.cameras.values()
    camera.params = [FOCAL, *camera.params[1:]]
    polished = polish(model, dict.fromkeys((f"{n}.jpg" for n in range(PHOTOS)), FOCAL), quiet)
    assert polished.second_term is None
    [after] = polished.model.cameras.values()
    assert after.params.tolist() == camera.params.tolist()


@pytest.mark.parametrize("most", [1.1, 2.0])
def test_what_passed_the_checks_must_pass_them_again(most: float) -> None:
    model = cloud_model(wrong=0.15)
    config = MappingConfig(max_focal_change=most, own_principal_points=False)
    # By the metadata it is another focal length: more than 1.1 times, less than 2.
    work = cast(Work, SimpleNamespace(config=config, focal_priors={"0.jpg": FOCAL / 1.5}))
    facts = replace(checks.measure(model, ()), agreeing=0.9)
    best = candidate(model, facts, 60)
    report = ListReporter()
    finished, facts = finish(best, work, report)
    assert (finished is model) == (most == 1.1)
    assert (facts == best.facts) == (most == 1.1)
    assert facts.agreeing == best.facts.agreeing
    assert report.named("log")


# What is left out, and what it says.


def test_a_tenth_is_left_out_of_every_photo_and_no_point_loses_two() -> None:
    model = cloud_model()
    counts = {i: model.image(i).num_points3D for i in model.reg_image_ids()}
    points = model.num_points3D()
    left_out = leave_out(model)
    for image_id, count in counts.items():
        gone = count - model.image(image_id).num_points3D
        assert 0 < gone <= 0.1 * count + 1
    assert len(left_out) == sum(counts.values()) - model.compute_num_observations()
    assert model.num_points3D() == points
    assert all(len(one.others) >= 2 for one in left_out)
    # The model is right, so it is off by the noise of the observation and of the others.
    errors = prediction_errors(model, left_out)
    assert NOISE < np.median(errors) < 2.5 * NOISE


def test_an_observation_that_can_not_be_predicted_is_infinitely_off() -> None:
    model = cloud_model()
    left_out = leave_out(model)
    turned = pycolmap.Rigid3d(pycolmap.Rotation3d(np.array([0.0, np.pi, 0.0])), np.zeros(3))
    image = model.image(left_out[0].image_id)
    model.frames[image.frame_id].rig_from_world = turned * image.cam_from_world()
    assert np.isinf(prediction_errors(model, left_out[:1])).all()


@pytest.mark.parametrize(
    ("nearer", "of", "favours"), [(50, 100, False), (60, 100, False), (61, 100, True)]
)
def test_more_must_be_nearer_than_chance_makes_so(nearer: int, of: int, favours: bool) -> None:
    before = np.ones(of)
    after: Any = np.where(np.arange(of) < nearer, 0.5, 1.5)
    assert Comparison(before, after).favours_after == favours


def test_the_median_must_fall_too() -> None:
    before = np.array([1.0] * 40 + [2.0] * 30 + [9.0] * 30)
    after = np.array([0.9] * 40 + [2.1] * 30 + [8.9] * 30)
    assert (after < before).sum() == 70
    assert np.median(after) > np.median(before)
    assert not Comparison(before, after).favours_after
