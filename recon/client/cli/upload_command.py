"""`instarecon upload`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from recon.client import ShareChange
from recon.client.calls import as_wishes
from recon.client.cli.bars import UploadBar
from recon.client.cli.job_commands import end_with
from recon.client.cli.options import PRESETS, Stopped, as_json, site
from recon.client.errors import FilesRefused, NotReached


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--poses", type=click.Path(path_type=Path), metavar="MODEL",
    help="Camera positions: a COLMAP model's folder, a transforms.json, or a zip with one.",
)  # fmt: skip
@click.option("--preset", type=PRESETS, help="How much work to put in; by default the site's.")
@click.option("--title", default="", help="The scene's name.")
@click.option("--team", default="", metavar="HANDLE", help="Whose scene it is, instead of yours.")
@click.option("--tag", "tags", multiple=True, help="May be given again.")
@click.option(
    "--original-resolution", is_flag=True, default=None, help="Keep the photos' full size."
)
@click.option(
    "--cross-validate", is_flag=True, default=None,
    help="With 10 photos or fewer, hold each out once.",
)  # fmt: skip
@click.option(
    "--final-refine/--no-final-refine",
    default=None,
    help="Finish the scene with all photos after it was measured, or deliver what was measured.",
)
@click.option("--outlier-filter", type=click.Choice(["auto", "always", "never"]))
@click.option("--share", is_flag=True, help="Make a link to it.")
@click.option("--draft", default="", metavar="JOB", help="Go on with this draft.")
@click.option("--no-start", is_flag=True, help="Only send the photos.")
@click.option("--leave-out-refused", is_flag=True, help="Start without files that can't be used.")
@click.option("--watch", is_flag=True, help="Wait until the scene is done.")
@as_json
@click.pass_context
def upload(
    context: click.Context, /, *, photos: tuple[Path, ...], poses: Path | None, title: str,
    team: str, tags: tuple[str, ...], share: bool, draft: str, no_start: bool,
    leave_out_refused: bool, watch: bool, as_json: bool,
    **wishes: str | bool | None,
) -> int:  # fmt: skip
    """Sends PHOTOS and starts a job with them.

    PHOTOS are folders or files: JPEG, PNG, WebP, HEIC or AVIF photos, or a video. What the site
    has of them is not sent again.
    """
    bar = UploadBar(sys.stderr)
    with site() as client:
        try:
            with bar:
                job = client.upload(
                    photos, poses=poses, draft=draft, title=title, team=team, tags=tags,
                    wishes=as_wishes(**wishes), share=ShareChange(on=True) if share else None,
                    start=not no_start, leave_out_refused=leave_out_refused, tell=bar,
                )  # fmt: skip
        except KeyboardInterrupt as error:
            raise Stopped("Stopped.", _how_to_go_on(context.obj, bar.draft_id)) from error
        except FilesRefused as error:
            again = _how_to_go_on([*context.obj, "--leave-out-refused"], error.draft_id)
            error.advice = f"{error.advice} {again}"
            raise
        except NotReached as error:
            advice = _how_to_go_on(context.obj, bar.draft_id)
            raise NotReached(error.sentence, advice or error.advice) from error
        return end_with(client, job, watch_it=watch, as_json=as_json)


def _how_to_go_on(words: list[str], draft_id: str) -> str:
    """The same command, with the draft that has the photos so far."""
    if not draft_id:
        return ""
    more = [] if "--draft" in words else ["--draft", draft_id]
    return f"To go on: {shlex.join(['instarecon', *words, *more])}"
