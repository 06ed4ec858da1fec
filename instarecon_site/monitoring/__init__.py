"""What the site tells those who watch it: what each line of the log is about, how many requests
there are."""
