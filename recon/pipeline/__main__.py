"""`python -m recon.pipeline`: the command line of `recon.pipeline.cli.command`."""

import sys

from recon.pipeline.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
