"""The pages' addresses."""

from django.urls import path

from recon.web.views import draft_order, draft_videos, drafts, files, home, jobs, share, upload

app_name = "recon"

urlpatterns = [
    path("", home.home, name="home"),
    path("jobs/", jobs.gallery, name="gallery"),
    path("jobs/new/", upload.upload, name="upload"),
    path("jobs/sample/", jobs.sample, name="sample"),
    path("jobs/drafts/", drafts.create, name="create_draft"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/progress/", jobs.progress, name="progress"),
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
    path("jobs/<uuid:pk>/check/", drafts.check, name="check"),
    path("jobs/<uuid:pk>/start/", drafts.start, name="start"),
    path("jobs/<uuid:pk>/share/", share.switch, name="share"),
    path("jobs/<uuid:pk>/files/<str:kind>", files.own_file, name="file"),
    path("jobs/<uuid:pk>/photos/<str:name>", files.thumb, name="thumb"),
    path("v/<str:pub_key>", share.public, name="public"),
    path("v/<str:pub_key>/progress/", share.public_progress, name="public_progress"),
    path("recon/pub/<str:pub_key>/cloud.ply", share.public_ply, name="public_ply"),
    path("recon/pub/<str:pub_key>/scene.splat", share.public_splat, name="public_splat"),
    path("recon/pub/<str:pub_key>/poster.jpg", share.public_poster, name="public_poster"),
]
