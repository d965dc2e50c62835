"""Entry point of `qldb-replay compare` for spark-submit and Glue; takes the same options."""

import sys

from qldb_replay.cli import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
