"""Photos in: the upload form, and what is asked of a draft."""
