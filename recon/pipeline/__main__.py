"""`python -m recon.pipeline`: the command line of `recon.pipeline.cli.command`."""

import gc
import sys


def main() -> int:
    gc.disable()  # what is loaded stays: looking for garbage in it is a sixth of the start
    from recon.pipeline.cli import command

    gc.freeze()
    gc.enable()
    return command.main()


if __name__ == "__main__":
    sys.exit(main())
