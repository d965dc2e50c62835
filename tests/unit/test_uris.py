from __future__ import annotations

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.uris import read_file, write_file, write_text


@pytest.mark.parametrize("as_uri", [str, lambda path: path.as_uri()], ids=["path", "uri"])
def test_small_files_are_written_and_read_by_path_and_uri(tmp_path, as_uri):
    place = as_uri(tmp_path / "new" / "file.json")

    write_text(place, "{}")
    assert read_file(place) == b"{}\n"

    (tmp_path / "other").write_bytes(b"\x00\xff")
    write_file(place, tmp_path / "other")
    assert read_file(place) == b"\x00\xff"


@pytest.mark.parametrize("uri", ["none/here", "file:///none/here", "nowhere://host/x", "s3://b"])
def test_what_cannot_be_read_is_named(uri):
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(uri)
