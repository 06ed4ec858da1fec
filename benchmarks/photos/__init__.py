"""What photos say by themselves, before anything is trained."""
