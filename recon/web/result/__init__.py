"""What a finished scene's page shows: figures, held-out photos, cameras, how it was made."""
