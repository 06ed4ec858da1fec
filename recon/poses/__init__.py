"""How photos become cameras: one task per module, files between them. Knows nothing of Django.

`cameras` (what the photos say of their lens) -> `features` -> `pairs` -> `mapping` ->
`model_checks` -> `undistortion`. Everything pycolmap keeps lies in one SQLite database, whose
content `databases` digests. Functions that take long accept a `report`, which may raise to
stop them.
"""
