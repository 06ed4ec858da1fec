"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/queue/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
]
