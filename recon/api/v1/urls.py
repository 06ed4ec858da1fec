"""The addresses of API v1, each with its answers completed."""

from __future__ import annotations

from django.urls import URLPattern

from recon.api.v1.answers import answered
from recon.api.v1.api import api

app_name = api.urls_namespace

_NINJAS_ROOT = "api-root"  # where there is nothing
_patterns, _, _ = api.urls

urlpatterns = [
    URLPattern(one.pattern, answered(one.callback), one.default_args, one.name)
    for one in _patterns
    if isinstance(one, URLPattern) and one.name != _NINJAS_ROOT
]
