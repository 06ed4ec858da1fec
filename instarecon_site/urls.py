"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.views.account import language
from accounts.views.sign_in import admin_sign_in
from instarecon_site import texts
from instarecon_site.icon import favicon

admin.site.site_header = admin.site.site_title = "InstaRecon3D"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/queue/", include("django_rq.urls")),
    path("admin/login/", admin_sign_in),  # before the administration's own
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("language/", language, name="language"),
    path("favicon.ico", favicon, name="favicon"),
    path("texts/<slug:language>-<slug:version>.js", texts.script, name="texts"),
    path("api/v1/", include("recon.api.v1.urls")),
    path("", include("recon.api.urls")),
    path("", include("recon.web.urls")),
]

handler400 = "instarecon_site.errors.bad_request"
handler403 = "instarecon_site.errors.permission_denied"
handler404 = "instarecon_site.errors.not_found"
handler500 = "instarecon_site.errors.server_error"
