from __future__ import annotations

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.uris import (
    bucket_and_key,
    check_writable,
    local_path,
    read_file,
    read_text,
    scheme_of,
    write_file,
    write_text,
)


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("a/b", "file"),
        ("/a:b", "file"),
        ("a:b/c", "file"),
        ("2024-01-01T00:00:00/x", "file"),
        ("file:/a", "file"),
        ("FILE:///a", "file"),
        ("S3://b/k", "s3"),
        ("s3a://b/k", "s3a"),
        ("hdfs://n/p", "hdfs"),
        ("hdfs:/p", "hdfs"),
        ("gs://b/k", "gs"),
    ],
)
def test_a_uri_has_the_scheme_that_it_says_and_a_path_is_a_file(uri, scheme):
    assert scheme_of(uri) == scheme


@pytest.mark.parametrize("uri", ["/a/b", "file:/a/b", "file:///a/b", "File:///a/./b", "/a/c/../b"])
def test_a_local_place_has_one_path_however_it_is_written(uri):
    assert local_path(uri) == "/a/b"


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("s3://bucket/a/b c", ("bucket", "a/b c")),
        ("s3a://bucket//a/", ("bucket", "/a/")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket", ("bucket", "")),
        ("s3:/bucket/a", ("bucket", "a")),
    ],
)
def test_a_uri_of_s3_is_a_bucket_and_a_key(uri, found):
    assert bucket_and_key(uri) == found


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


def test_what_is_no_text_is_named(tmp_path):
    (tmp_path / "known.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(UsageError, match=r"known\.yaml: expected text in UTF-8"):
        read_text(str(tmp_path / "known.yaml"))


@pytest.mark.parametrize("check", [check_writable, lambda uri: write_text(uri, "{}")])
@pytest.mark.parametrize("uri", ["{}", "{}/file/below", "file:///{}/file/below", "s3://bucket"])
def test_what_cannot_be_written_is_named_before_and_when_it_is(tmp_path, uri, check):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(UsageError, match="cannot be written"):
        check(uri.format(tmp_path))


@pytest.mark.parametrize("name", ["file", "new", "new/below/file"])
def test_a_file_in_a_folder_that_is_still_to_be_made_can_be_written(tmp_path, name):
    (tmp_path / "file").write_bytes(b"old")

    check_writable(str(tmp_path / name))
    write_text(str(tmp_path / name), "new")

    assert read_text(str(tmp_path / name)) == "new\n"
