"""The command line in a process of its own: `[sys.executable, "-c", PROGRAM, *arguments]`."""

PROGRAM = "import sys; from qldb_replay.cli import main; sys.exit(main())"
