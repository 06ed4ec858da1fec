"""What a finished scene tells of itself: figures, held-out photos, cameras, how it was made."""
