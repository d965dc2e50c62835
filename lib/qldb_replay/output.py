"""Lines on stdout, whatever it is connected to."""

from __future__ import annotations

import json
import os
import re
import sys

_NO_ASCII = re.compile(r"[^\x00-\x7f]")


def show(line: str) -> None:
    """Prints a line.

    What the stream's encoding lacks is written as JSON escapes it, so that a JSON line stays one.
    Where nobody reads any more, as behind `| head`, this and what follows goes nowhere: a command's
    exit code says what it did, not who read it.
    """
    try:
        try:
            print(line, flush=True)
        except UnicodeEncodeError:
            print(_NO_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], line), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
