"""How long a job takes, from its photos and from what earlier jobs took."""
