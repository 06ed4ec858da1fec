"""The API's addresses: the prototype's, and more like them. A shared scene's files are in
`recon.web.urls`."""

from django.urls import path

from recon.api import drafts, own_jobs, sharing, views
from recon.api.auth import by_method

app_name = "api"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("recon/jobs", by_method(GET=own_jobs.list_jobs, POST=views.create_job), name="jobs"),
    path("recon/jobs/<str:job_id>", own_jobs.delete, name="delete"),
    path("recon/jobs/<str:job_id>/files/<str:kind>", own_jobs.own_file, name="own_file"),
    path("recon/jobs/<str:job_id>/cancel", own_jobs.cancel, name="cancel"),
    path("recon/jobs/<str:job_id>/anyway", own_jobs.make_anyway, name="make_anyway"),
    path("recon/jobs/<str:job_id>/status", views.job_status, name="job_status"),
    path("recon/jobs/<str:job_id>/draft", drafts.draft_from, name="draft_from"),
    path("recon/jobs/<str:job_id>/photos", drafts.add_photo, name="add_photo"),
    path("recon/jobs/<str:job_id>/photos/<int:photo_id>", drafts.drop_photo, name="drop_photo"),
    path("recon/jobs/<str:job_id>/order", drafts.order_photos, name="order_photos"),
    path("recon/jobs/<str:job_id>/videos/<int:video_id>", drafts.drop_video, name="drop_video"),
    path("recon/jobs/<str:job_id>/start", drafts.start, name="start"),
    path("recon/jobs/<str:job_id>/share", sharing.share, name="share"),
    path("recon/drafts", drafts.create_draft, name="create_draft"),
    path("recon/queue", views.queue_overview, name="queue"),
]
