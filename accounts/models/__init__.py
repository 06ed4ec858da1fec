"""People and how they sign in, their API tokens, invitations, and mails on their way."""

from accounts.models.invitations import Invitation
from accounts.models.letters import Letter
from accounts.models.people import HANDLE, User, UserManager
from accounts.models.provider_accounts import ProviderAccount
from accounts.models.second_factors import RecoveryCode, SecondFactor
from accounts.models.tokens import ApiToken, Scope

__all__ = [
    "HANDLE",
    "ApiToken",
    "Invitation",
    "Letter",
    "ProviderAccount",
    "RecoveryCode",
    "Scope",
    "SecondFactor",
    "User",
    "UserManager",
]
