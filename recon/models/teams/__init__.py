"""Teams: people who have scenes together."""

from recon.models.teams.events import TeamEvent
from recon.models.teams.invitations import TeamInvitation
from recon.models.teams.memberships import Membership
from recon.models.teams.teams import Team

__all__ = ["Membership", "Team", "TeamEvent", "TeamInvitation"]
