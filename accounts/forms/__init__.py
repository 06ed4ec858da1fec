"""Forms about accounts."""

from accounts.forms.factors import CodeForm, NewFactorForm, SecondStepForm
from accounts.forms.settings import (
    ADDRESS_IN_USE,
    HANDLE_TAKEN,
    MAX_TOKENS,
    AddressForm,
    ConnectForm,
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
    FirstPasswordForm,
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
    "CodeForm",
    "ConfirmForm",
    "ConnectForm",
    "FirstPasswordForm",
    "GoodbyeForm",
    "NewFactorForm",
    "NewPasswordForm",
    "PreferencesForm",
    "PublicPageForm",
    "ResetForm",
    "SecondStepForm",
    "SignInForm",
    "SignUpForm",
    "TokenForm",
]  # fmt: skip
