"""How good a model is, and what is improved in the one that is used."""
