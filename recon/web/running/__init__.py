"""What can be looked at while a job runs."""
