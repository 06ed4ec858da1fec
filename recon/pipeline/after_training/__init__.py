"""What follows training: scores, folds, the final refine, the video, the COLMAP archive."""
