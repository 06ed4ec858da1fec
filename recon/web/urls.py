"""The pages' addresses."""

from django.urls import path

from recon.models import Artifact
from recon.web.views import (
    covers,
    draft_order,
    draft_videos,
    drafts,
    embed,
    files,
    gallery,
    home,
    jobs,
    live,
    people,
    places,
    results,
    selected,
    share,
    sharing,
    styleguide,
    upload,
)

app_name = "recon"

#: The files behind a share link: the address's name, the file in it, the kind of artifact.
PUBLIC_FILES = (
    ("ply", "cloud.ply", Artifact.Kind.SCENE_PLY),
    ("splat", "scene.splat", Artifact.Kind.SPLAT),
    ("spz", "scene.spz", Artifact.Kind.SPZ),
    ("turntable", "turntable.mp4", Artifact.Kind.TURNTABLE),
    ("poster", "poster.jpg", Artifact.Kind.POSTER),
)

urlpatterns = [
    path("", home.home, name="home"),
    path("demo/", home.demo, name="demo"),
    path("jobs/", gallery.gallery, name="gallery"),
    path("jobs/selected/", selected.act, name="selected"),
    path("jobs/selected/links/", selected.links, name="selected_links"),
    path("jobs/new/", upload.upload, name="upload"),
    path("jobs/sample/", jobs.sample, name="sample"),
    path("jobs/drafts/", drafts.create, name="create_draft"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/progress/", jobs.progress, name="progress"),
    path("jobs/<uuid:pk>/live/features.jpg", live.features, name="features"),
    path("jobs/<uuid:pk>/live/cloud.json", live.own_cloud, name="cloud"),
    path("jobs/<uuid:pk>/live/<str:name>", live.snapshot, name="snapshot"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel"),
    path("jobs/<uuid:pk>/delete/", jobs.delete, name="delete"),
    path("jobs/<uuid:pk>/again/", jobs.again, name="again"),
    path("jobs/<uuid:pk>/add-photos/", drafts.draft_from, name="draft_from"),
    path("jobs/<uuid:pk>/photos/", drafts.add, name="add_photos"),
    path("jobs/<uuid:pk>/photos/<int:photo_pk>/delete/", drafts.drop, name="drop_photo"),
    path("jobs/<uuid:pk>/photos/known/", drafts.known, name="known_photo"),
    path("jobs/<uuid:pk>/photos/<int:photo_pk>/move/", draft_order.move, name="move_photo"),
    path("jobs/<uuid:pk>/order/", draft_order.order, name="order_photos"),
    path("jobs/<uuid:pk>/tiles/", draft_order.tiles, name="tiles"),
    path("jobs/<uuid:pk>/videos/", draft_videos.videos, name="videos"),
    path("jobs/<uuid:pk>/videos/<int:video_pk>/delete/", draft_videos.drop, name="drop_video"),
    path("jobs/<uuid:pk>/places/<int:number>/", places.scene_of, name="scene_of"),
    path("jobs/<uuid:pk>/check/", drafts.check, name="check"),
    path("jobs/<uuid:pk>/start/", drafts.start, name="start"),
    path("jobs/<uuid:pk>/share/", sharing.switch, name="share"),
    path("jobs/<uuid:pk>/share/settings/", sharing.settings, name="share_settings"),
    path("jobs/<uuid:pk>/share/offer/", sharing.offer, name="share_offer"),
    path("jobs/<uuid:pk>/share/qr.svg", sharing.qr, name="qr"),
    path("jobs/<uuid:pk>/about/", sharing.about, name="about"),
    path("jobs/<uuid:pk>/cover/", covers.choose, name="cover"),
    path("jobs/<uuid:pk>/cover/reset/", covers.reset, name="reset_cover"),
    path("jobs/<uuid:pk>/files/<str:kind>", files.own_file, name="file"),
    path("jobs/<uuid:pk>/photos/<str:name>", files.thumb, name="thumb"),
    path("notices/", people.notices, name="notices"),
    path("notices/read/", people.read_notices, name="read_notices"),
    path("usage/", people.usage, name="usage"),
    path("accounts/delete/", people.delete_account, name="delete_account"),
    path("u/<str:handle>/", people.public_gallery, name="public_gallery"),
    path("jobs/<uuid:pk>/views.json", files.views, name="views"),
    path("jobs/<uuid:pk>/views/<int:number>.jpg", files.view_photo, name="view_photo"),
    path("jobs/<uuid:pk>/held-out/<int:number>/<str:kind>.jpg", results.picture, name="held_out"),
    path("jobs/<uuid:pk>/compare/<uuid:other_pk>/", results.compare, name="compare"),
    path("v/<str:pub_key>", share.public, name="public"),
    path("v/<str:pub_key>/enter/", share.enter, name="enter"),
    path("v/<str:pub_key>/progress/", share.public_progress, name="public_progress"),
    path("v/<str:pub_key>/scene.<str:kind>", share.public_scene, name="public_scene"),
    path("v/<str:pub_key>/live/cloud.json", live.public_cloud, name="public_cloud"),
    path("v/<str:pub_key>/live/<str:name>", live.public_snapshot, name="public_snapshot"),
    *(
        path(
            f"recon/pub/<str:pub_key>/{file}",
            share.public_file,
            {"kind": kind},
            name=f"public_{name}",
        )
        for name, file, kind in PUBLIC_FILES
    ),
    path("recon/pub/<str:pub_key>/preview.jpg", share.public_preview, name="public_preview"),
    path("recon/pub/<str:pub_key>/views.json", share.public_views, name="public_views"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("oembed", embed.oembed, name="oembed"),
]
