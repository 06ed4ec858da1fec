"""The API's addresses, the prototype's. The shared scene's files are in `recon.web.urls`."""

from django.urls import path

from recon.api import views

app_name = "api"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("recon/jobs", views.create_job, name="create_job"),
    path("recon/jobs/<str:job_id>/status", views.job_status, name="job_status"),
    path("recon/queue", views.queue_overview, name="queue"),
]
