"""Addresses under /accounts/."""

from django.contrib.auth import views as auth
from django.urls import path

from accounts.views import account, address, provider, second_factor, sign_in, sign_up

app_name = "accounts"

urlpatterns = [
    path("", account.account, name="account"),
    path("sign-up/", sign_up.sign_up, name="sign_up"),
    path("sign-up/sent/", sign_up.sent, name="sign_up_sent"),
    path("invitation/<str:link>/", sign_up.invited, name="invited"),
    path("confirm/<str:token>/", sign_up.confirm, name="confirm"),
    path("sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-in/code/", second_factor.second_step, name="second_step"),
    path("second-factor/", second_factor.second_factor, name="second_factor"),
    path("second-factor/codes/", second_factor.new_codes, name="new_codes"),
    path("second-factor/off/", second_factor.switch_off, name="second_factor_off"),
    path("provider/", provider.start, name="provider"),
    path("provider/callback/", provider.callback, name="provider_callback"),
    path("provider/connect/", provider.connect, name="provider_connect"),
    path("provider/disconnect/", provider.disconnect, name="provider_disconnect"),
    path("provider/sign-out/", provider.sign_out, name="provider_sign_out"),
    path("link/<str:token>/", sign_in.by_link, name="sign_in_link"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("email/", address.change, name="email_change"),
    path("confirm-email/<str:token>/", address.confirm, name="confirm_email"),
    path("preferences/", account.preferences, name="preferences"),
    path("public-page/", account.public_page, name="public_page"),
    path("tokens/", account.token_create, name="token_create"),
    path("tokens/<int:pk>/delete/", account.token_delete, name="token_delete"),
    path("password/", sign_in.PasswordChange.as_view(), name="password_change"),
    path(
        "password/done/",
        auth.PasswordChangeDoneView.as_view(template_name="accounts/password_change_done.html"),
        name="password_change_done",
    ),
    path("reset/", sign_in.PasswordReset.as_view(), name="password_reset"),
    path(
        "reset/sent/",
        sign_in.PasswordResetSent.as_view(),
        name="password_reset_done",
    ),
    path(
        "reset/done/",
        auth.PasswordResetCompleteView.as_view(
            template_name="accounts/password_reset_complete.html"
        ),
        name="password_reset_complete",
    ),
    path(
        "reset/<uidb64>/<token>/",
        sign_in.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
]
