"""What holds for all tests: none is timed, whatever else the machine does."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps together, where tests run in several processes, what shares costly fixtures."""
    for item in items:
        shares = {"ledgers", "verified"} & set(getattr(item, "fixturenames", ()))
        group = "ledgers" if shares else item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
