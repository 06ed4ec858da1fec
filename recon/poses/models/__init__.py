"""What a model is worth, and what is mended in the one that is used."""
