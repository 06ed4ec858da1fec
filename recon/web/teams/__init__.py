"""A person's teams, and each team's page: members, invitations, limits, log."""
