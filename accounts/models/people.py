"""People."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models.limits import Limits

#: In lower case, so that no two differ only in case.
HANDLE = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{1,28})[a-z0-9]\Z",
    _("Use 3 to 30 lower-case letters, digits and hyphens, with a letter or digit at both ends."),
)


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address; there are no user names."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Raises ValueError where the address is empty."""
        if not email:
            raise ValueError("An e-mail address is needed.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(
            email, password, **{**fields, "is_staff": True, "is_superuser": True}
        )

    def get_by_natural_key(self, email: str | None) -> User:
        """Addresses are compared without regard to case: people type them as they like."""
        return self.get(email__iexact=email)


class User(Limits, AbstractUser):
    """Someone with an account. The e-mail address is what they sign in with."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    time_zone = models.CharField(
        max_length=64, blank=True, help_text="in which they see times; empty: the site's"
    )
    language = models.CharField(
        max_length=10, blank=True, help_text="of pages and mails; empty: the browser's, the site's"
    )
    mail_when_done = models.BooleanField(
        "mail when a scene is done", default=False, help_text="where the site can send mail"
    )

    gallery_open = models.BooleanField("public page", default=False)
    handle = models.CharField(
        max_length=30,
        unique=True,
        null=True,
        blank=True,
        validators=[HANDLE],
        help_text="in their public page's address",
    )
    public_name = models.CharField(max_length=60, blank=True)

    sessions_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="sessions from before have ended"
    )
    leaving_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="the account is being deleted"
    )

    #: As the database has it; `save` sees by it whether the password was taken away.
    _kept_password: str | None = None

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined]
        swappable = "AUTH_USER_MODEL"
        constraints = (models.UniqueConstraint(Lower("email"), name="one_account_per_email"),)

    def __str__(self) -> str:
        return self.email

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> User:
        user = super().from_db(*args, **kwargs)
        user._kept_password = user.__dict__.get("password")
        return user

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password ends the API tokens, as it ends the sessions: wherever it is set.

        Django hashes a password anew when its hash gets old, which is no new password. Whoever
        has none, since they sign in elsewhere, gets no new one with each change of their wishes.
        """
        before = self._kept_password
        has_none_now = before not in (None, self.password) and not self.has_usable_password()
        is_new = getattr(self, "_password", None) is not None or has_none_now
        is_there = not self._state.adding
        super().save(*args, **kwargs)
        self._kept_password = self.password
        if is_new and is_there:
            self.api_tokens.all().delete()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session proves that it belongs to; the sessions end when it changes."""
        digest: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if self.sessions_since is None:
            return digest
        told = f"{digest} {self.sessions_since.timestamp()}"
        since = salted_hmac("accounts.sessions", told, secret=secret, algorithm="sha256")
        return since.hexdigest()
