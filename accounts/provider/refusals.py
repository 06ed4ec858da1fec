"""Why a sign-in at the provider ends without one: what a person is told, and its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Said(NamedTuple):
    status: int
    title: StrOrPromise
    advice: StrOrPromise


#: `{name}` is the provider's; `{email}` the address that it gave.
REFUSALS = {
    "away": Said(
        503,
        _("{name} can’t be reached"),
        _("The site got no answer from {name}. Try again in a minute."),
    ),
    "odd_answer": Said(
        502,
        _("{name} answered in a way that we can’t use"),
        _("Try again. If it happens again, tell whoever runs this site: the log says why."),
    ),
    "declined": Said(
        403,
        _("You are not signed in"),
        _("{name} did not let you in, or you turned back there. You can try again."),
    ),
    "lost": Said(
        400,
        _("That sign-in is over"),
        _(
            "It took too long, was begun in another browser, or was finished before. Your browser "
            "must allow cookies. Begin again."
        ),
    ),
    "no_email": Said(
        403,
        _("{name} gave us no e-mail address"),
        _("Every account here has one. Ask whoever runs this site: the provider must send it."),
    ),
    "not_verified": Said(
        403,
        _("Your address is not confirmed"),
        _(
            "{name} does not say that {email} is yours. Confirm the address there, then try again. "
            "If you have an account here, you can also sign in with its password and connect "
            "{name} on your account page."
        ),
    ),
    "other_domain": Said(
        403,
        _("This address can’t be used here"),
        _("{email} is not an address of those who may sign in with {name}. Use another account."),
    ),
    "no_account": Said(
        403,
        _("There is no account for you yet"),
        _("Nobody with the address {email} has an account here. Ask whoever runs this site."),
    ),
    "needs_invitation": Said(
        403,
        _("There is no account for you yet"),
        _(
            "Nobody with the address {email} has an account here, and a new one takes an "
            "invitation. Open your invitation’s link and sign up from there, or ask whoever runs "
            "this site for one."
        ),
    ),
    "switched_off": Said(
        403,
        _("Your account is switched off"),
        _("Ask whoever runs this site."),
    ),
    "connected_elsewhere": Said(
        409,
        _("It is connected to another account"),
        _(
            "Your account at {name} is already connected to another account here. Sign in to that "
            "one, or use another account at {name}."
        ),
    ),
    "has_another": Said(
        409,
        _("You sign in with another account there"),
        _(
            "The account with the address {email} is connected to another account at {name}. Sign "
            "in with that one, or disconnect it on your account page first."
        ),
    ),
    "somebody_else": Said(
        403,
        _("That was another account"),
        _("You are signed in here to another account than the one that you used at {name}."),
    ),
    "not_again": Said(
        403,
        _("{name} did not ask you to sign in"),
        _("It must, before something serious. Sign out there, then try again."),
    ),
}


class Refused(Exception):
    """`code` is one of REFUSALS; `why` is for the log."""

    def __init__(self, code: str, *, email: str = "", why: str = "") -> None:
        super().__init__(f"{code}: {why}" if why else code)
        self.code, self.email = code, email

    @property
    def said(self) -> Said:
        return REFUSALS[self.code]
