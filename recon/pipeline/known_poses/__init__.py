"""Camera positions that came with the photos: kept with the job, and used instead of the ladder."""
