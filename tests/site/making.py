"""People, photos and jobs for the site's tests: real rows, real pictures, real small files."""

from __future__ import annotations

import io
import random
import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import ApiToken, User
from recon.jobs.teams import teams
from recon.models import Artifact, Figures, Job, Membership, Photo, Share, Team
from recon.pipeline.wishes import Wishes
from tests.site import outcomes

PASSWORD = "a long enough password"

#: GPS in EXIF, as phones write it. It must never leave through a page or a link.
GPS_IFD, LATITUDE = 0x8825, 2
ORIENTATION = 0x0112


def person(email: str = "ann@example.org", **fields: Any) -> User:
    return User.objects.create_user(email, PASSWORD, **fields)


def supporter(email: str = "support@example.org", *permissions: str) -> User:
    """A member of staff who may open other people's scenes and has `permissions` as well."""
    staff = person(email, is_staff=True)
    wanted = ("view_private_scene", *permissions)
    staff.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return staff


def browser_of(user: User, **kwargs: Any) -> Client:
    client = Client(**kwargs)
    client.force_login(user)
    return client


def token_of(user: User) -> str:
    return ApiToken.issue(user, "a test")[1]


def noise(seed: int, size: tuple[int, int] = (120, 110)) -> Image.Image:
    """A photo of nothing, different for each seed."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))


def photo_bytes(
    seed: int = 0, size: tuple[int, int] = (120, 110), kind: str = "JPEG", **options: Any
) -> bytes:
    file = io.BytesIO()
    noise(seed, size).save(file, kind, **options)
    return file.getvalue()


def photo(name: str = "a.jpg", seed: int | None = None, **options: Any) -> SimpleUploadedFile:
    """An upload called `name`; what it shows depends on its name unless a seed is given."""
    seed = sum(name.encode()) if seed is None else seed
    return SimpleUploadedFile(name, photo_bytes(seed, **options), "image/jpeg")


def photos(count: int) -> list[SimpleUploadedFile]:
    return [photo(f"photo {number:02}.jpg", seed=number) for number in range(count)]


def exif_with_gps(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS_IFD)[LATITUDE] = (52.0, 31.0, 12.0)
    return exif.tobytes()


#: The columns of `Share` by what programs and tests call them.
SHARED_AS = {
    "shared": "is_on",
    "share_password": "password",
    "share_until": "until",
    "share_downloads": "downloads",
    "share_figures": "shows_figures",
    "share_views": "views",
    "in_gallery": "in_gallery",
    "description": "description",
}
MEASURED = {field.name for field in Figures._meta.fields} - {"job"}


def new_job(owner: User, **fields: Any) -> Job:
    """A job's rows, not saved. `fields` are columns of `Job` and of `Figures`, and sharing options
    named as in `SHARED_AS`."""
    share = {SHARED_AS[name]: fields.pop(name) for name in SHARED_AS.keys() & fields}
    figures = {name: fields.pop(name) for name in MEASURED & fields.keys()}
    job = Job(owner=owner, **({"wishes": Wishes("quick"), "title": "Fern in the hall"} | fields))
    job.share, job.figures = Share(**share), Figures(**figures)
    return job


def team_of(owner: User, handle: str = "acme", **members: User) -> Team:
    """A team, with `editor` and `viewer` where they are given."""
    team = teams.create(owner, name=handle.title(), handle=handle)
    for role, member in members.items():
        Membership.objects.create(team=team, user=member, role=role)
    return team


def job_of(owner: User, **fields: Any) -> Job:
    """A job's rows (`new_job`) and folder, with three photos, in whatever state the fields say."""
    job = new_job(owner, **fields)
    job.save()
    job.workspace.upload.mkdir(parents=True)
    for number in range(3):
        name = f"{number:03}.jpg"
        (job.workspace.upload / name).write_bytes(photo_bytes(number, exif=exif_with_gps()))
        Photo.objects.create(
            job=job,
            name=name,
            original_name=f"secret garden {number}.jpg",
            sha256=uuid.uuid4().hex * 2,
            size=1,
            width=120,
            height=110,
        )
    return job


def finished_job(owner: User, **fields: Any) -> Job:
    """A completed job with small files of every kind."""
    now = timezone.now()
    done = {
        "status": Job.Status.COMPLETED,
        "step": "DONE",
        "percent": 100.0,
        "psnr": 22.84,
        "ssim": 0.813,
        "lpips": 0.412,
        "psnr_corrected": 24.46,
        "ssim_corrected": 0.834,
        "small_psnr": 20.4,
        "small_ssim": 0.74,
        "held_out": 1,
        "confirmed": 0.47,
        "protocol": "held-out",
        "refined": True,
        "gaussian_count": 1234,
        "iterations": 700,
        "registered": 3,
        "view": {"position": [0, 0, -3], "target": [0, 0, 0], "up": [0, -1, 0]},
        "started_at": now - timedelta(seconds=90),
        "completed_at": now,
    }
    job = job_of(owner, **(done | fields))
    for kind, (path, content) in FILES.items():
        file = job.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        Artifact.objects.create(job=job, kind=kind, path=path, size=len(content))
    outcomes.write_prepared(job)
    return job


def measured_job(owner: User, **fields: Any) -> Job:
    """A finished job with the figures and pictures of its second photo, and PLYs that differ."""
    job = finished_job(owner, **fields)
    RESULTS.write(job.workspace)
    for seed, kind in enumerate(("renders", "gt")):
        folder = job.workspace.output / "test" / "ours_700" / kind
        folder.mkdir(parents=True)
        noise(seed, (60, 40)).save(folder / "00000.png")
    for kind, count in (("ply", 1300), ("filtered_ply", 1234)):
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\nend_header\n"
        (job.folder / FILES[kind][0]).write_bytes(header.encode())
        job.artifacts.filter(kind=kind).update(gaussians=count)
    return job


def with_first_part(job: Job, content: bytes = b"the first part") -> Job:
    """`job` as a large scene, of which the viewer shows a part first."""
    path = f"{_SCENE}/first.spz"
    (job.folder / path).write_bytes(content)
    Artifact.objects.create(job=job, kind=Artifact.Kind.FIRST, path=path, size=len(content))
    return job


RESULTS = outcomes.results({"001.jpg": (22.84, 0.813, None)})
_SCENE = "output/point_cloud/iteration_700"
FILES = {
    "ply": (f"{_SCENE}/point_cloud.ply", b"ply unfiltered"),
    "filtered_ply": (f"{_SCENE}/point_cloud_filtered.ply", b"ply filtered"),
    "scene_ply": (f"{_SCENE}/point_cloud_filtered.ply", b"ply filtered"),
    "splat": (f"{_SCENE}/scene.splat", bytes(range(256)) * 4),
    "spz": (f"{_SCENE}/scene.spz", b"spz" * 1000),  # larger than .splat: the viewer skips it
    "other_spz": (f"{_SCENE}/other.spz", b"spz other"),
    "poster": ("output/poster.jpg", photo_bytes(99)),
    "turntable": ("output/turntable.mp4", b"mp4" * 700),
    "colmap": ("output/colmap_model.zip", b"PK model"),
    "results": ("output/results.json", outcomes.written(outcomes.not_measured(None))),
    "cameras": ("output/cameras.json", outcomes.written(outcomes.row_of_cameras([]))),
}
