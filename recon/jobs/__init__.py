"""Between Django and the pipeline: how a job is made, run, watched, ended and never lost.

Read it in this order: `submit` makes a job, `queue` hands it to Redis, `run.worker` forks a process
for it, `run.tasks` runs the pipeline there, `run.reporter` and `run.pulse` tell how it goes,
`publish` records what came out, `lifecycle` is the only place that changes a status, and
`reconcile` finds what fell through the cracks.
"""
