"""What takes more than a session: the password again, or a sign-in of just now for those who have
none here."""

from __future__ import annotations

from functools import wraps

from django.conf import settings
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts import sessions
from accounts.models import ProviderAccount
from accounts.requests import P, SignedInRequest, SignedInView


def password_or_recent(view: SignedInView[P]) -> SignedInView[P]:
    """The view asks for the password where there is one (`sessions.asks_password`). Others get
    accounts/sign_in_again.html, with `next` and `by_provider`, unless they have just signed in."""

    @wraps(view)
    def checked(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if sessions.asks_password(request.user) or sessions.is_recent(request):
            return view(request, *args, **kwargs)
        connected = ProviderAccount.objects.filter(user=request.user)
        context = {
            "next": request.path,
            "by_provider": settings.OIDC is not None and connected.exists(),
        }
        return render(request, "accounts/sign_in_again.html", context, status=403)

    return checked
