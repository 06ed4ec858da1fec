"""How long jobs still take and when waiting ones begin, by what past runs on this site took."""
