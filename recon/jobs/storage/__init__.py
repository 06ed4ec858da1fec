"""What the site stores, what of it can go, and scenes that are deleted for their age."""
