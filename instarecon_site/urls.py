"""Every address of the site."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

admin.site.site_header = admin.site.site_title = "InstaRecon3D"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/queue/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
]

# While the house is being built: whoever's part is not there yet does not stop the others.
for needed, addresses in (
    ("lifecycle submit queue progress", "recon.web.urls"),
    ("lifecycle submit queue progress", "recon.api.urls"),
):
    if all(find_spec(f"recon.jobs.{n}") for n in needed.split()) and find_spec(addresses):
        urlpatterns.append(path("", include(addresses)))

handler400 = "instarecon_site.errors.bad_request"
handler403 = "instarecon_site.errors.permission_denied"
handler404 = "instarecon_site.errors.not_found"
handler500 = "instarecon_site.errors.server_error"
