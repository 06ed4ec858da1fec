"""Photos in: the upload form, and what people do with a draft."""
