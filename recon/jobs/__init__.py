"""Between Django and the pipeline: how a job is made, run, watched, ended and never lost.

Read it in this order: `submit` makes a job, `queue` hands it to Redis, `worker` forks a process
for it, `tasks` runs the pipeline there, `reporter` and `pulse` tell how it goes, `publish` records
what came out, `lifecycle` is the only place that changes a status, and `reconcile` finds what
fell between two chairs.
"""
