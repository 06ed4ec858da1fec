"""What API v1 says about itself: its OpenAPI description, and what programs rely on in it."""
