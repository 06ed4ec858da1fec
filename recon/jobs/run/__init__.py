"""One attempt at one job: a worker forks a process that runs the pipeline and reports on it."""
