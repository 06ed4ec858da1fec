"""Machines of one site in network namespaces: between them a switch, whose cables can be pulled."""
