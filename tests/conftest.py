"""What holds for all tests: none is timed, and costly fixtures are made in one process only.

QLDB_REPLAY_EXAMPLES asks for more cases of each property that names no number of its own.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings

EXAMPLES = int(os.environ.get("QLDB_REPLAY_EXAMPLES", settings.default.max_examples))

settings.register_profile("untimed", deadline=None, max_examples=EXAMPLES)
settings.load_profile("untimed")

ON_ALL_LEDGERS = ("test_prove.py", "test_report.py", "test_verify.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives each file to one process, and those that share the lake of all ledgers to the same."""
    from xdist.scheduler.loadfile import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "ledgers" if file.endswith(ON_ALL_LEDGERS) else file

    return Scheduling(config, log)
