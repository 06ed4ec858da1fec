"""The web server: gunicorn keeps the processes, waitress talks to the clients.

Reading order: `worker` (the process), `server` (who may connect), `channel` (one connection),
`body` (what is sent to us), `pool` (who is served next). docs/operate/deployment.md says why it is
so.
"""
