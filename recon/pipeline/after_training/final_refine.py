"""The delivered scene: the measured model, finished with every photo that has a place.

Photos are held out so that the figures mean something. Once the figures are taken there is no
reason to withhold them from the scene that people get: a warm start adds them (`engine.refine`).
Before that the haze in front of the scene is removed (`haze`), so that what it did for the photos
is learnt again.
"""

from __future__ import annotations

from collections.abc import Sequence

from recon.pipeline.after_training.optional_work import attempt
from recon.pipeline.checkpoint_folder import checkpoints_of
from recon.pipeline.config import PipelineConfig
from recon.pipeline.machine.gpu_memory import memory_of
from recon.pipeline.outcome import photos_left_out, settings_used, steps_trained
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace, digest_files
from recon.reporting import Report
from recon.splats import engine
from recon.splats.formats import read_ply
from recon.splats.gaussians import Gaussians
from recon.splats.haze import remove_haze
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, PosedPhoto, load_view

_LOOK_SIZE = 400  # px, longest side of the pictures that tell haze from what photos show


def refine_with_all_photos(
    workspace: Workspace, config: PipelineConfig, model: Model, report: Report
) -> tuple[Gaussians, bool]:
    """The Gaussians to deliver, on the CPU, and whether they were finished with all photos.

    Never fails the job: if the final refine goes wrong, the person gets a warning and the measured
    model. Raises Cancelled.
    """
    folder = workspace.held_out_iteration(steps_trained(workspace))
    measured = read_ply(folder / "point_cloud.ply")
    if not config.export.final_refine or settings_used(workspace, config.train).final_refine <= 0:
        return measured, False
    refined = attempt(
        lambda: _refine(workspace, config, measured, model, report),
        report,
        "not_finished_with_all_photos",
    )
    return (measured, False) if isinstance(refined, Reason) else (refined, True)


def _refine(
    workspace: Workspace,
    config: PipelineConfig,
    measured: Gaussians,
    model: Model,
    report: Report,
) -> Gaussians:
    """`measured` after a warm start on all photos. Raises ValueError for a scene that broke."""
    device = best_device()
    report.log("begins from the model that was measured")
    used = settings_used(workspace, config.train)
    decided_by = {
        "training": "finishing",
        "of": _content(workspace),
        "seed": config.seed,
        "max_haze_loss_db": config.export.max_haze_loss_db,
    }

    left_out = photos_left_out(workspace)
    photos = [photo for photo in model.photos if photo.name not in left_out]

    def clear(gaussians: Gaussians, asked: Sequence[PosedPhoto]) -> Gaussians:
        return _remove_haze(gaussians, asked, model, workspace, config, report)

    refined = engine.refine(
        clear(measured.to(device), model.test),
        photos,
        workspace.images,
        used,
        seed=config.seed,
        report=report,
        memory=memory_of(device),
        checkpoints=checkpoints_of(workspace, used, decided_by, device=device, report=report),
    )
    if not len(refined) or not all(t.isfinite().all() for t in refined.named().values()):
        raise ValueError("the finished scene is empty or holds values that are no numbers")
    return clear(refined, photos).to("cpu")


def _remove_haze(
    gaussians: Gaussians,
    asked: Sequence[PosedPhoto],
    model: Model,
    workspace: Workspace,
    config: PipelineConfig,
    report: Report,
) -> Gaussians:
    """`gaussians` without the haze in front of the scene, if the photos `asked` lose little by it.

    Before the warm start those are asked that the model never saw. The others would keep haze that
    they were learnt by heart with; so what they let go afterwards is no loss.
    """
    if not asked:
        return gaussians
    trained_size = settings_used(workspace, config.train).max_image_size
    size = min(trained_size or _LOOK_SIZE, _LOOK_SIZE)
    views = [load_view(photo, workspace.images, size).to(gaussians.device) for photo in asked]
    cameras = [photo.camera for photo in model.photos]
    removal = remove_haze(gaussians, cameras, views, config.export.max_haze_loss_db)
    if removal.found:
        fate = "removed" if removal.removed else "all stay"
        costs = f"removing them costs {removal.loss:.2f} dB"
        report.log(f"{removal.found} Gaussians look like haze, and {costs}: {fate}")
    return removal.gaussians


def _content(workspace: Workspace) -> str:
    """A digest of the model that it begins from, and of all photos with their poses."""
    model = workspace.held_out_iteration(steps_trained(workspace)) / "point_cloud.ply"
    return digest_files(workspace.root, [model, workspace.images, workspace.undistorted_sparse])
