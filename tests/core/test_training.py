import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from recon.pipeline.errors import Cancelled
from recon.pipeline.progress import ListReporter
from recon.splats.config import TrainConfig
from recon.splats.evaluation import draw
from recon.splats.exposure import expose, fit_exposure
from recon.splats.gaussians import Gaussians
from recon.splats.learner import Average, Dropout, rates
from recon.splats.metrics import psnr
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View
from recon.splats.training import decay_opacities, fit, means_lr, narrow, widen
from tests.core.tiny_scene import tiny_camera, tiny_gaussians, tiny_views

CONFIG = TrainConfig(
    iterations=40,
    max_gaussians=400,
    sh_degree=0,
    refine_start=0.2,
    refine_every=8,
    means_lr=1e-3,
    sh0_lr=2e-2,
    opacity_decay=0.999,
)


@pytest.fixture(scope="module")
def views() -> list[View]:
    """Four pictures of the tiny scene."""
    return tiny_views((0, 1, 3, 5))


def rough_start(sh_degree: int = 0) -> Gaussians:
    """The right places, grey and faint."""
    start = tiny_gaussians(sh_degree=sh_degree)
    start.sh0 = torch.zeros_like(start.sh0)
    start.opacities = torch.full_like(start.opacities, -2.0)
    return start.select(torch.arange(0, 300, 2))


def train(views: list[View], config: TrainConfig = CONFIG, seed: int = 0) -> Gaussians:
    return fit(rough_start(), views, config, extent=1.0, seed=seed, report=ListReporter())


def quality(gaussians: Gaussians, views: list[View]) -> float:
    return sum(psnr(draw(gaussians, view.camera), view.colours) for view in views) / len(views)


def test_training_makes_the_pictures_better(views: list[View]) -> None:
    scene = train(views)
    assert quality(scene, views) > quality(rough_start(), views) + 4
    assert len(scene) > 150
    assert not any(tensor.requires_grad for tensor in scene.named().values())


def test_training_is_bit_identical_for_a_seed(views: list[View]) -> None:
    first, second, other = train(views), train(views), train(views, seed=1)
    for name, tensor in first.named().items():
        assert torch.equal(tensor, getattr(second, name)), name
    assert not torch.equal(first.means[:10], other.means[:10])


def test_each_photo_learns_its_own_exposure(views: list[View]) -> None:
    mixed = [
        replace(view, image=(view.image.float() * factor).byte())
        for view, factor in zip(views, (1.0, 0.5, 1.0, 0.5), strict=True)
    ]

    def corrected(config: TrainConfig) -> float:
        scene = fit(
            tiny_gaussians(), mixed, config, extent=1.0, seed=0, report=ListReporter(), warm=True
        )
        pictures = [(draw(scene, view.camera), view.colours) for view in mixed]
        exposed = [(expose(image, fit_exposure(image, truth)), truth) for image, truth in pictures]
        return sum(psnr(image, truth) for image, truth in exposed) / len(mixed)

    still = replace(CONFIG, iterations=120, refine_start=1.0, opacity_decay=1.0)
    learnt, none = (corrected(replace(still, exposure_lr=rate)) for rate in (0.02, 0.0))
    assert learnt > none + 2


def test_a_warm_start_goes_on_from_where_training_ended(views: list[View]) -> None:
    scene = train(views)
    config = replace(CONFIG, iterations=8, refine_start=1.0)
    refined = fit(scene, views, config, extent=1.0, seed=0, report=ListReporter(), warm=True)
    assert quality(refined, views) > quality(scene, views)
    assert (refined.means - scene.means).abs().max() < 8 * 0.02 * config.means_lr


def test_the_observer_sees_every_step(views: list[View]) -> None:
    seen = []

    def observe(done: int, of: int, gaussians: Gaussians) -> None:
        seen.append((done, of, len(gaussians)))

    config = replace(CONFIG, iterations=3)
    fit(rough_start(), views, config, extent=1.0, seed=0, report=ListReporter(), observe=observe)
    assert seen == [(1, 3, 150), (2, 3, 150), (3, 3, 150)]


def test_the_start_is_left_as_it_was(views: list[View]) -> None:
    start = rough_start()
    fit(start, views, replace(CONFIG, iterations=2), extent=1.0, seed=0, report=ListReporter())
    for name, tensor in rough_start().named().items():
        assert torch.equal(tensor, getattr(start, name)), name


def test_the_cap_holds_to_the_end(views: list[View]) -> None:
    greedy = replace(CONFIG, max_gaussians=160, grow_grad2d=1e-9)
    assert len(train(views, greedy)) <= 160


def test_higher_harmonics_wait_for_their_step(views: list[View]) -> None:
    config = replace(CONFIG, iterations=4, sh_degree=1)
    for interval, learned in ((4, False), (3, True)):
        scene = fit(
            rough_start(sh_degree=1).select(torch.arange(50)),
            views,
            replace(config, sh_degree_interval=interval),
            extent=1.0,
            seed=0,
            report=ListReporter(),
        )
        start = rough_start(sh_degree=1).shN[:50]
        assert torch.equal(scene.shN, start) != learned


def test_a_cancel_ends_the_training(views: list[View]) -> None:
    class Cancelling(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(rough_start(), views, CONFIG, extent=1.0, seed=0, report=Cancelling())


def test_progress_says_step_and_time_left_and_the_log_has_the_figures(views: list[View]) -> None:
    report = ListReporter()
    fit(rough_start(), views, CONFIG, extent=1.0, seed=0, report=report)
    fraction, message = report.named("progress")[-1]
    assert fraction == 1.0
    assert message == "training step 40 of 40, 0 s left"
    said = [message for _, message in report.named("progress")]
    assert not any(word in message for message in said for word in ("loss", "Gaussians"))
    assert re.fullmatch(r"step 40: loss 0\.\d{4}, [\d,]+ Gaussians", report.named("log")[-1])


def test_memory_is_sampled_as_often_as_asked(views: list[View]) -> None:
    for interval, lines in ((15, 2), (0, 0)):
        report = ListReporter()
        fit(
            rough_start(),
            views,
            replace(CONFIG, gpu_check_interval=interval),
            extent=1.0,
            seed=0,
            report=report,
            memory=lambda: "1 MiB",
        )
        assert sum("MiB" in line for line in report.named("log")) == lines
    assert not any("MiB" in line for line in report.named("log"))


def test_the_means_learn_slower_to_the_end() -> None:
    fractions = (0, 0.5, 1)
    expected = pytest.approx([3e-3, 3e-4, 3e-5])
    assert [means_lr(CONFIG, 3.0, fraction) for fraction in fractions] == expected
    assert rates(CONFIG, 3.0)["means"] == pytest.approx(3e-3)


def test_opacities_decay_by_the_factor() -> None:
    gaussians = tiny_gaussians(6)
    before = gaussians.opacities.sigmoid()
    decay_opacities(gaussians, 0.9)
    torch.testing.assert_close(gaussians.opacities.sigmoid(), 0.9 * before)


def test_training_fades_by_the_factor_for_every_step(views: list[View]) -> None:
    still = dict.fromkeys(("means_lr", "scales_lr", "quats_lr", "opacities_lr", "sh0_lr"), 0.0)
    config = replace(CONFIG, **still, iterations=30, refine_start=0.0, refine_every=100)
    config = replace(config, opacity_decay=0.98, min_size=0.0, average_from=1.0)
    start = tiny_gaussians(30)
    scene = fit(start, views, config, extent=1.0, seed=0, report=ListReporter())
    torch.testing.assert_close(
        scene.opacities.sigmoid(), 0.98**30 * start.opacities.sigmoid(), rtol=1e-4, atol=1e-6
    )


def test_dropout_leaves_some_out_and_lets_the_others_cover_as_much() -> None:
    gaussians = tiny_gaussians(3000)
    gaussians.opacities = torch.full((3000,), -4.0)
    dropout = Dropout(0.25, torch.Generator().manual_seed(3))
    dropped = dropout.of(gaussians)
    opacities = dropped.opacities.sigmoid()
    gone = opacities < 1e-6
    assert 0.22 < float(gone.float().mean()) < 0.28
    before = float(gaussians.opacities.detach().sigmoid().mean())
    assert float(opacities.detach().mean()) == pytest.approx(before, rel=0.05)
    assert Dropout(0.0, torch.Generator()).of(gaussians) is gaussians


def test_dropout_takes_others_each_step_and_follows_the_scene() -> None:
    dropout = Dropout(0.5, torch.Generator().manual_seed(3))
    gone = {tuple((dropout.of(tiny_gaussians(40)).opacities < -20).tolist()) for _ in range(60)}
    assert len(gone) == 60
    assert len(dropout.of(tiny_gaussians(50)).opacities) == 50


def test_what_dropout_leaves_out_is_not_pulled_at() -> None:
    gaussians = tiny_gaussians(200)
    gaussians.opacities.requires_grad_()
    dropped = Dropout(0.3, torch.Generator().manual_seed(3)).of(gaussians)
    rasterize(dropped, tiny_camera(2)).image.sum().backward()
    pulled = gaussians.opacities.grad != 0
    assert pulled.any()
    assert not pulled[dropped.opacities < -20].any()


def test_no_gaussian_stays_thinner_than_the_nearest_photo_can_show(views: list[View]) -> None:
    gaussians = tiny_gaussians(20)
    gaussians.scales = torch.full((20, 3), -20.0)
    gaussians.scales[:, 0] = 0.5
    widen(gaussians, views, 0.3)
    distances = torch.stack(
        [gaussians.means @ view.camera.viewmat[2, :3] + view.camera.viewmat[2, 3] for view in views]
    )
    least = 0.3 * distances.amin(dim=0) / views[0].camera.K[0, 0]
    torch.testing.assert_close(gaussians.scales[:, 1:].exp(), least[:, None].expand(-1, 2))
    assert (gaussians.scales[:, 0] == 0.5).all()


def test_what_no_photo_has_before_it_keeps_its_size(views: list[View]) -> None:
    gaussians = tiny_gaussians(1)
    camera = views[0].camera
    gaussians.means = (camera.position - 5 * camera.viewmat[2, :3])[None]
    before = gaussians.scales.clone()
    widen(gaussians, views[:1], 1e6)
    assert torch.equal(gaussians.scales, before)


def test_no_gaussian_reaches_from_its_place_to_the_cameras(views: list[View]) -> None:
    gaussians = tiny_gaussians(20)
    gaussians.scales = torch.full((20, 3), -20.0)
    gaussians.scales[:, 0] = 20.0
    narrow(gaussians, views, 0.5)
    apart = torch.stack(
        [(gaussians.means - view.camera.position).norm(dim=1) for view in views]
    ).amin(dim=0)
    torch.testing.assert_close(gaussians.scales[:, 0].exp(), 0.5 * apart)
    assert (gaussians.scales[:, 1:] == -20.0).all()


def test_a_gaussian_in_a_camera_stays_finite(views: list[View]) -> None:
    gaussians = tiny_gaussians(1)
    gaussians.means = views[0].camera.position[None].clone()
    narrow(gaussians, views, 1.0)
    assert gaussians.scales.isfinite().all()


def test_training_lets_nothing_reach_the_cameras(views: list[View]) -> None:
    def largest(max_reach: float) -> torch.Tensor:
        start = rough_start()
        start.scales[0] = 5.0
        config = replace(CONFIG, refine_start=1.0, max_reach=max_reach, average_from=1.0)
        scene = fit(start, views, config, extent=1.0, seed=0, report=ListReporter())
        apart = torch.stack([(scene.means - v.camera.position).norm(dim=1) for v in views])
        return (scene.scales.exp().amax(dim=1) / apart.amin(dim=0)).max()

    assert largest(0.0) > 2.0
    assert largest(1.0) < 1.01


def test_the_average_begins_anew_when_gaussians_come() -> None:
    average = Average()
    for count, shift in ((4, 100.0), (5, 1.0), (5, 3.0)):
        sample = tiny_gaussians(count)
        sample.means = sample.means + shift
        average.add(sample)
    assert average.mean is not None
    torch.testing.assert_close(average.mean.means, tiny_gaussians(5).means + 2.0)


def test_the_result_is_the_mean_of_the_last_steps(views: list[View]) -> None:
    still = replace(CONFIG, refine_start=1.0, opacity_decay=1.0, min_size=0.0)
    seen: dict[int, torch.Tensor] = {}

    def observe(done: int, of: int, gaussians: Gaussians) -> None:
        seen[done] = gaussians.means.detach().clone()

    config = replace(still, average_from=0.5)
    scene = fit(
        rough_start(), views, config, extent=1.0, seed=0, report=ListReporter(), observe=observe
    )
    torch.testing.assert_close(scene.means, (seen[30] + seen[40]) / 2)


def test_a_random_background_makes_a_scene_cover_what_photos_show(views: list[View]) -> None:
    black = [replace(view, image=torch.zeros_like(view.image)) for view in views]
    config = replace(CONFIG, refine_start=1.0, opacity_decay=1.0, dropout=0.0)

    def alpha(random_background: bool) -> float:
        scene = train(black, replace(config, random_background=random_background))
        return float(rasterize(scene, views[0].camera).alpha.mean())

    assert alpha(True) > alpha(False) + 0.05
