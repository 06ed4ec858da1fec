"""Mails about accounts: requested by a page, sent by a worker.

A row says what is to be sent and to whom (`Letter`). The worker looks whether there is an account,
and writes the mail: the request takes as long for a known address as for an unknown one, and gives
the same answer. If the queue is down, `reconcile` sends them within about a minute; a mail server
that is down is tried again for a while.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import addresses, languages, sign_in_limits, throttling
from accounts.forms import ResetForm
from accounts.models import Invitation, Letter, User
from instarecon_site import queues

logger = logging.getLogger(__name__)

QUEUE = "mail"
TASK = "accounts.letters.send_waiting"

MOST_TRIES = 6
#: Before the second try; each later pause is twice as long.
PAUSE = timedelta(minutes=1)
#: What the queue has not sent by then, `reconcile` does.
OVERDUE = timedelta(seconds=45)

CONFIRM_SALT = "accounts.confirm"
CONFIRM_S = 24 * 60 * 60


def ask(
    kind: Letter.Kind,
    email: str,
    *,
    language: str = "",
    time_zone: str = "",
    invitation: Invitation | None = None,
    user: User | None = None,
) -> None:
    """Has a mail sent to `email`, unless too many were requested; nobody is told about that."""
    try:
        throttling.spend(sign_in_limits.mails_to(email))
    except throttling.TooMany as error:
        logger.warning("A mail is not sent: %s", error)
        return
    asked = {"time_zone": time_zone, "invitation": invitation, "user": user}
    Letter.objects.create(kind=kind, email=email, language=language, **asked)
    transaction.on_commit(_call_worker)


def tell(kind: Letter.Kind, email: str, *, user: User, language: str = "") -> None:
    """Has a mail sent to `email` that its owner must get: whoever asks for many others in their
    name does not keep this one back."""
    Letter.objects.create(kind=kind, email=email, language=language, user=user)
    transaction.on_commit(_call_worker)


def tell_owner(kind: Letter.Kind, user: User) -> None:
    """Has a mail tell the account's owner what may not have been they, where mail is set up."""
    if settings.MAIL_IS_SET_UP:
        tell(kind, user.email, user=user, language=user.language)


def send_waiting(*, overdue_only: bool = False) -> int:
    """The task: sends the mails whose time has come. Returns how many. Several may run at once."""
    until = timezone.now() - (OVERDUE if overdue_only else timedelta())
    due = Letter.objects.select_related("invitation").filter(next_try_at__lte=until)
    return sum(_send(letter) for letter in due if _claim(letter))


def _claim(letter: Letter) -> bool:
    """Whether this process is to send it. One that dies while it does tries again by itself."""
    mine = Letter.objects.filter(pk=letter.pk, tries=letter.tries)
    later = timezone.now() + PAUSE * 2**letter.tries
    return bool(mine.update(tries=F("tries") + 1, next_try_at=later))


def _send(letter: Letter) -> bool:
    write = {
        Letter.Kind.RESET: _send_reset,
        Letter.Kind.SIGN_UP: _send_sign_up,
        Letter.Kind.NEW_ADDRESS: _send_new_address,
        Letter.Kind.OLD_ADDRESS: _send_old_address,
        Letter.Kind.FACTOR_OFF: _send_news,
        Letter.Kind.CONNECTED: _send_news,
    }
    try:
        write[Letter.Kind(letter.kind)](letter)
    except (SMTPException, OSError) as error:
        logger.warning("Mail %s could not be sent: %s", letter.pk, error)
        if letter.tries + 1 < MOST_TRIES:
            return False
        logger.error("Mail %s is given up after %s tries", letter.pk, MOST_TRIES)
    letter.delete()
    return True


def _send_reset(letter: Letter) -> None:
    form = ResetForm({"email": letter.email})
    if form.is_valid():
        with languages.use_language(letter.language):
            form.save(
                email_template_name="accounts/password_reset_email.txt",
                subject_template_name="accounts/password_reset_subject.txt",
            )


def _send_sign_up(letter: Letter) -> None:
    """A link that makes the account; to somebody who has one, word that they do."""
    known = User.objects.filter(email__iexact=letter.email).first()
    name = "known_address" if known else "confirm"
    context = {
        "email": letter.email,
        "url": settings.BASE_URL + (reverse("accounts:sign_in") if known else link_for(letter)),
        "reset_url": settings.BASE_URL + reverse("accounts:password_reset"),
    }
    language = (known.language if known else "") or letter.language
    _mail(name, context, known.email if known else letter.email, language)


def _send_new_address(letter: Letter) -> None:
    """A link that makes the address the account's; where another account has it, word of that."""
    user = letter.user
    if user is None:  # their account is gone meanwhile
        return
    known = User.objects.filter(email__iexact=letter.email).exclude(pk=user.pk).exists()
    context = {
        "email": letter.email,
        "known": known,
        "url": "" if known else settings.BASE_URL + addresses.link_for(user, letter.email),
    }
    _mail("new_address", context, letter.email, user.language or letter.language)


def _send_old_address(letter: Letter) -> None:
    if letter.user is not None:
        context = {"old": letter.email, "new": letter.user.email}
        _mail("old_address", context, letter.email, letter.language)


def _send_news(letter: Letter) -> None:
    if letter.user is not None:
        name = settings.OIDC.name if settings.OIDC else ""
        _mail(letter.kind, {"name": name}, letter.email, letter.language)


def _mail(name: str, context: dict[str, Any], email: str, language: str) -> None:
    with languages.use_language(language):
        subject = render_to_string(f"accounts/{name}_subject.txt", context)
        text = render_to_string(f"accounts/{name}_email.txt", context)
    send_mail(" ".join(subject.split()), text, None, [email])


def link_for(letter: Letter) -> str:
    """The address of the page that makes the account. What it needs to know is signed, not kept."""
    wanted = {
        "email": letter.email,
        "language": letter.language,
        "time_zone": letter.time_zone,
        "invitation": letter.invitation_id,
    }
    return reverse("accounts:confirm", args=(signing.dumps(wanted, salt=CONFIRM_SALT),))


def read_confirmation(token: str) -> dict[str, str | int | None] | None:
    """What `link_for` signed, where the link is sound and in time; else None."""
    try:
        wanted: dict[str, str | int | None] = signing.loads(
            token, salt=CONFIRM_SALT, max_age=CONFIRM_S
        )
    except signing.BadSignature:
        return None
    return wanted


def _call_worker() -> None:
    """Where the queue is away, `reconcile` sends them."""
    queues.enqueue(QUEUE, TASK, description="mails about accounts")
