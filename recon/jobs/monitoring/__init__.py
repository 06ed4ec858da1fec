"""What programs that watch the site are told."""
