import io
from collections.abc import Callable

import pytest
from amazon.ion import simpleion


@pytest.fixture(scope="session")
def ion() -> Callable[[str], bytes]:
    """Ion text to a binary stream, by amazon.ion's pure Python reader and writer."""

    def convert(text: str) -> bytes:
        values = simpleion.load_python(io.StringIO(text), single_value=False)
        out = io.BytesIO()
        simpleion.dump_python(values, out, binary=True, sequence_as_stream=True)
        return out.getvalue()

    return convert
