"""A person's webhooks: made, tried, removed, and what was sent to them."""
