"""One job's page for its owner, from draft to scene, and what can be done with the job there."""
