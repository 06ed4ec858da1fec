"""The pages' addresses."""

from django.urls import path

from recon.models import Artifact
from recon.web import account_views, monitoring_views
from recon.web.drafts import order_views, places_views, upload_views, video_views
from recon.web.drafts import views as draft_views
from recon.web.gallery import selection_views
from recon.web.gallery import views as gallery_views
from recon.web.home import styleguide_views
from recon.web.home import views as home_views
from recon.web.job import cover_views, file_views, sharing_views
from recon.web.job import views as job_views
from recon.web.result import views as result_views
from recon.web.running import views as running_views
from recon.web.sharing import embed_views, link_views
from recon.web.staff import second_factor_views
from recon.web.staff import views as staff_views
from recon.web.teams import member_views
from recon.web.teams import views as team_views
from recon.web.webhooks import views as webhook_views

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
    path("", home_views.home, name="home"),
    path("demo/", home_views.demo, name="demo"),
    path("jobs/", gallery_views.gallery, name="gallery"),
    path("jobs/selected/", selection_views.act, name="selected"),
    path("jobs/selected/links/", selection_views.links, name="selected_links"),
    path("jobs/new/", upload_views.upload, name="upload"),
    path("jobs/sample/", upload_views.sample, name="sample"),
    path("jobs/drafts/", draft_views.create, name="create_draft"),
    path("jobs/<uuid:pk>/", job_views.job, name="job"),
    path("jobs/<uuid:pk>/progress/", job_views.progress, name="progress"),
    path("jobs/<uuid:pk>/live/features.jpg", running_views.features, name="features"),
    path("jobs/<uuid:pk>/live/cloud.json", running_views.own_cloud, name="cloud"),
    path("jobs/<uuid:pk>/live/<str:name>", running_views.snapshot, name="snapshot"),
    path("jobs/<uuid:pk>/cancel/", job_views.cancel, name="cancel"),
    path("jobs/<uuid:pk>/delete/", job_views.delete, name="delete"),
    path("jobs/<uuid:pk>/move/", job_views.move, name="move"),
    path("jobs/<uuid:pk>/keep/", job_views.keep, name="keep"),
    path("jobs/<uuid:pk>/again/", job_views.again, name="again"),
    path("jobs/<uuid:pk>/anyway/", job_views.make_anyway, name="make_anyway"),
    path("jobs/<uuid:pk>/add-photos/", draft_views.draft_from, name="draft_from"),
    path("jobs/<uuid:pk>/photos/", draft_views.add, name="add_photos"),
    path("jobs/<uuid:pk>/photos/<int:photo_pk>/delete/", draft_views.drop, name="drop_photo"),
    path("jobs/<uuid:pk>/photos/known/", draft_views.add_known, name="known_photo"),
    path("jobs/<uuid:pk>/photos/<int:photo_pk>/move/", order_views.move, name="move_photo"),
    path("jobs/<uuid:pk>/order/", order_views.order, name="order_photos"),
    path("jobs/<uuid:pk>/tiles/", order_views.tiles, name="tiles"),
    path("jobs/<uuid:pk>/videos/", video_views.videos, name="videos"),
    path("jobs/<uuid:pk>/videos/<int:video_pk>/delete/", video_views.drop, name="drop_video"),
    path("jobs/<uuid:pk>/places/<int:number>/", places_views.scene_of, name="scene_of"),
    path("jobs/<uuid:pk>/check/", draft_views.check, name="check"),
    path("jobs/<uuid:pk>/start/", draft_views.start, name="start"),
    path("jobs/<uuid:pk>/share/", sharing_views.switch, name="share"),
    path("jobs/<uuid:pk>/share/settings/", sharing_views.settings, name="share_settings"),
    path("jobs/<uuid:pk>/share/offer/", sharing_views.offer, name="share_offer"),
    path("jobs/<uuid:pk>/share/qr.svg", sharing_views.qr, name="qr"),
    path("jobs/<uuid:pk>/notice/read/", job_views.read_notice, name="read_notice"),
    path("jobs/<uuid:pk>/about/", sharing_views.about, name="about"),
    path("jobs/<uuid:pk>/cover/", cover_views.choose, name="cover"),
    path("jobs/<uuid:pk>/cover/reset/", cover_views.reset, name="reset_cover"),
    path("jobs/<uuid:pk>/files/<str:kind>", file_views.own_file, name="file"),
    path("jobs/<uuid:pk>/photos/<str:name>", file_views.thumb, name="thumb"),
    path("notices/", account_views.notices, name="notices"),
    path("notices/read/", account_views.read_notices, name="read_notices"),
    path("usage/", account_views.usage, name="usage"),
    path("teams/", team_views.teams, name="teams"),
    path("teams/new/", team_views.create, name="create_team"),
    path("teams/join/<str:link>/", member_views.join, name="join_team"),
    path("teams/<str:handle>/", team_views.team, name="team"),
    path("teams/<str:handle>/edit/", team_views.edit, name="edit_team"),
    path("teams/<str:handle>/usage/", team_views.usage, name="team_usage"),
    path("teams/<str:handle>/log/", team_views.log, name="team_log"),
    path("teams/<str:handle>/delete/", team_views.delete, name="delete_team"),
    path("teams/<str:handle>/leave/", member_views.leave, name="leave_team"),
    path("teams/<str:handle>/members/<int:number>/role/", member_views.change_role, name="role"),
    path(
        "teams/<str:handle>/members/<int:number>/remove/", member_views.remove, name="remove_member"
    ),
    path("teams/<str:handle>/invitations/", member_views.invite, name="invite"),
    path(
        "teams/<str:handle>/invitations/<int:number>/withdraw/",
        member_views.withdraw,
        name="withdraw_invitation",
    ),
    path("webhooks/", webhook_views.webhooks, name="webhooks"),
    path("webhooks/new/", webhook_views.create, name="create_webhook"),
    path("webhooks/<int:number>/test/", webhook_views.test, name="test_webhook"),
    path("webhooks/<int:number>/delete/", webhook_views.remove, name="remove_webhook"),
    path("accounts/delete/", account_views.delete_account, name="delete_account"),
    path("u/<str:handle>/", account_views.public_gallery, name="public_gallery"),
    path("jobs/<uuid:pk>/views.json", file_views.views, name="views"),
    path("jobs/<uuid:pk>/views/<int:number>.jpg", file_views.view_photo, name="view_photo"),
    path(
        "jobs/<uuid:pk>/held-out/<int:number>/<str:kind>.jpg", result_views.picture, name="held_out"
    ),
    path("jobs/<uuid:pk>/compare/<uuid:other_pk>/", result_views.compare, name="compare"),
    path("v/<str:pub_key>", link_views.public, name="public"),
    path("v/<str:pub_key>/enter/", link_views.enter, name="enter"),
    path("v/<str:pub_key>/visit/", link_views.visit, name="visit"),
    path("v/<str:pub_key>/progress/", link_views.public_progress, name="public_progress"),
    path("v/<str:pub_key>/scene.<str:kind>", link_views.public_scene, name="public_scene"),
    path("v/<str:pub_key>/live/cloud.json", running_views.public_cloud, name="public_cloud"),
    path("v/<str:pub_key>/live/<str:name>", running_views.public_snapshot, name="public_snapshot"),
    *(
        path(
            f"recon/pub/<str:pub_key>/{file}",
            link_views.public_file,
            {"kind": kind},
            name=f"public_{name}",
        )
        for name, file, kind in PUBLIC_FILES
    ),
    path("recon/pub/<str:pub_key>/preview.jpg", link_views.public_preview, name="public_preview"),
    path("recon/pub/<str:pub_key>/views.json", link_views.public_views, name="public_views"),
    path("readyz", monitoring_views.readyz, name="readyz"),
    path("metrics", monitoring_views.metrics, name="metrics"),
    path("staff/", staff_views.staff, name="staff"),
    path(
        "staff/people/<int:pk>/second-factor/",
        second_factor_views.reset,
        name="reset_second_factor",
    ),
    path("styleguide/", styleguide_views.styleguide, name="styleguide"),
    path("oembed", embed_views.oembed, name="oembed"),
]
