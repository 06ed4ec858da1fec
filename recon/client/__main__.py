"""`python -m recon.client`: the command `instarecon`."""

import sys

from recon.client.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
