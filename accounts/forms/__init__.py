"""Forms about accounts."""

from accounts.forms.settings import (
    ADDRESS_IN_USE,
    HANDLE_TAKEN,
    MAX_TOKENS,
    AddressForm,
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
    "ADDRESS_IN_USE",
    "ADDRESS_TAKEN",
    "HANDLE_TAKEN",
    "MAX_TOKENS",
    "TAKEN",
    "AddressForm",
    "AskForm",
    "ConfirmForm",
    "GoodbyeForm",
    "NewPasswordForm",
    "PreferencesForm",
    "PublicPageForm",
    "ResetForm",
    "SignInForm",
    "SignUpForm",
    "TokenForm",
]  # fmt: skip
