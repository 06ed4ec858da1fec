"""One job's page for its owner, from draft to scene, and what can be asked of the job there."""
