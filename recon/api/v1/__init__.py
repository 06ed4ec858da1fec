"""API v1: the site for programs, at /api/v1. docs/use/api-v1.md says how it is used."""
