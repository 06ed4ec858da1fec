"""The administration's pages about jobs, workers and teams."""

from recon.admin import jobs, teams

__all__ = ["jobs", "teams"]
