"""Forms about accounts."""

from accounts.forms.settings import (
    HANDLE_TAKEN,
    MAX_TOKENS,
    GoodbyeForm,
    PreferencesForm,
    PublicPageForm,
    TokenForm,
)
from accounts.forms.signing import (
    ADDRESS_TAKEN,
    TAKEN,
    AskForm,
    ConfirmForm,
    NewPasswordForm,
    ResetForm,
    SignInForm,
    SignUpForm,
)

__all__ = [
    "ADDRESS_TAKEN", "HANDLE_TAKEN", "MAX_TOKENS", "TAKEN", "AskForm", "ConfirmForm", "GoodbyeForm",
    "NewPasswordForm", "PreferencesForm", "PublicPageForm", "ResetForm", "SignInForm", "SignUpForm",
    "TokenForm",
]  # fmt: skip
