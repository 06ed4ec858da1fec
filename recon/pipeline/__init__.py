"""The reconstruction core: photos in, a Gaussian-splat scene out. Knows nothing of Django.

`python -m recon.pipeline PHOTOS/ OUT/ --preset quick` runs it with no site, no queue, no database.
Read it in data order: `runner` -> `stages/*` (with `recon.poses` and `recon.splats`).
"""
