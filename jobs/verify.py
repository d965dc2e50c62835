"""Entry point of `qldb-replay verify` for spark-submit and Glue; takes the same options."""

import sys

from qldb_replay.cli import main

if __name__ == "__main__":
    sys.exit(main(["verify", *sys.argv[1:]]))
