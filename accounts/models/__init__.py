"""People, their API tokens, invitations, and mails on their way."""

from accounts.models.invitations import Invitation
from accounts.models.letters import Letter
from accounts.models.people import HANDLE, User, UserManager
from accounts.models.tokens import ApiToken, Scope

__all__ = ["HANDLE", "ApiToken", "Invitation", "Letter", "Scope", "User", "UserManager"]
