from typing import Any

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.neighbors import kneighbors_graph

from recon.pipeline.progress import ListReporter
from recon.splats import outliers

SETTINGS = {"k_neighbors": 20, "std_threshold": 2.0, "min_cluster_ratio": 0.05}


def keep_mask(means: np.ndarray, scales: np.ndarray | None = None, **options: Any) -> np.ndarray:
    """The filter on Gaussians too small to matter, unless sizes are given."""
    if scales is None:
        scales = np.full(means.shape, 1e-6)
    return outliers.keep_mask(means, scales, **{**SETTINGS, **options})


def ball(rng: np.random.Generator, count: int, centre: float = 0.0) -> np.ndarray:
    """A round cloud, equally dense whatever its `count`."""
    radius = 0.1 * (count / 2000) ** (1 / 3)
    return (rng.normal(size=(count, 3)) * radius + centre).astype(np.float32)


def test_lone_floaters_go_and_the_scene_stays() -> None:
    rng = np.random.default_rng(0)
    floaters = rng.uniform(5, 50, size=(30, 3)).astype(np.float32)
    keep = keep_mask(np.concatenate([ball(rng, 2000), floaters]))
    assert not keep[2000:].any()
    assert keep[:2000].mean() > 0.9


def test_a_small_cluster_goes_and_a_large_one_stays() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([ball(rng, 2000), ball(rng, 500, 10.0), ball(rng, 50, -10.0)])
    keep = keep_mask(means)
    assert keep[:2000].mean() > 0.9
    assert keep[2000:2500].mean() > 0.9
    assert not keep[2500:].any()


def test_the_cluster_ratio_decides_what_small_is() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([ball(rng, 2000), ball(rng, 50, -10.0)])
    keep = keep_mask(means, min_cluster_ratio=0.01)
    assert keep[2000:].mean() > 0.9


def test_something_always_stays() -> None:
    rng = np.random.default_rng(0)
    scattered = rng.uniform(-1, 1, size=(300, 3))
    assert keep_mask(scattered, min_cluster_ratio=1.0).any()
    for count in (1, 2, 11, 21):
        assert keep_mask(scattered[:count]).any()
    assert keep_mask(np.zeros((500, 3))).all()


def test_an_empty_scene_has_nothing_to_keep() -> None:
    assert keep_mask(np.zeros((0, 3))).shape == (0,)


def test_points_that_are_nowhere_go() -> None:
    means = ball(np.random.default_rng(0), 500)
    means[7] = np.nan
    keep = keep_mask(means)
    assert not keep[7]
    assert keep.mean() > 0.9


def test_a_large_scene_gives_the_same_answer() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([ball(rng, 110_000), ball(rng, 1000, 10.0)])
    rng.shuffle(means)
    report = ListReporter()
    keep = keep_mask(means, report=report)
    far = means[:, 0] > 5
    assert not keep[far].any()
    assert keep[~far].mean() > 0.9
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert len(fractions) >= 6
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_filter_is_deterministic() -> None:
    means = ball(np.random.default_rng(1), 3000)
    np.testing.assert_array_equal(keep_mask(means), keep_mask(means))


def test_a_background_of_few_large_gaussians_stays() -> None:
    """They are far apart, yet touch: a wall behind a plant is not a floater."""
    rng = np.random.default_rng(0)
    plant = ball(rng, 2000)
    wall = np.stack([*np.mgrid[-2:2:15j, -2:2:15j].reshape(2, -1), np.full(225, 3.0)], axis=1)
    scales = np.concatenate([np.full((2000, 3), 0.01), np.full((225, 3), 0.5)])
    floaters = rng.uniform(20, 50, size=(20, 3))
    means = np.concatenate([plant, wall, floaters])
    scales = np.concatenate([scales, np.full((20, 3), 0.01)])
    keep = keep_mask(means, scales)
    assert keep[2000:2225].all()
    assert not keep[2225:].any()
    assert keep[:2000].mean() > 0.9


def test_few_neighbours_are_enough() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([ball(rng, 2000), rng.uniform(5, 50, size=(30, 3))])
    keep = keep_mask(means, k_neighbors=5)
    assert not keep[2000:].any()
    assert keep[:2000].mean() > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clouds = [ball(rng, count, place) for count, place in ((400, 0.0), (300, 0.3), (60, 2.0))]
    points = rng.permutation(np.concatenate([*clouds, rng.uniform(-1, 3, size=(80, 3))]))
    graph = kneighbors_graph(points, 12, mode="distance")
    graph = graph.maximum(graph.T).tocsr()
    eps = float(np.quantile(graph.data, 0.5))
    expected = DBSCAN(eps=eps, min_samples=8, metric="precomputed").fit(graph).labels_
    assert len(set(expected)) > 3, "clusters, and points in none"
    labels = outliers.dbscan(graph, eps, 8)
    assert ((labels < 0) == (expected < 0)).all()
    inside = labels >= 0
    assert (np.unique(labels[inside], return_inverse=True)[1] == expected[inside]).all()
