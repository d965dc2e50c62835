"""Archives in folders: which files are objects, under which names."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from qldb_replay.errors import UsageError
from qldb_replay.storage import (
    ArrowSource,
    LocalSource,
    S3Access,
    S3Source,
    list_objects,
    source_of,
)

ANYWHERE = S3Access()


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names_of(root: Path | str) -> list[str]:
    return list(list_objects([str(root)], ANYWHERE))


def test_every_file_is_an_object_whatever_its_name(tmp_path: Path) -> None:
    names = ["2024/01/a", "_b", ".c", "d e", "f%20g", "h+i", "ü", "[x]*?", "x.parquet/y"]
    put(tmp_path, *names)

    assert sorted(f"file://{tmp_path}/{name}" for name in names) == sorted(names_of(tmp_path))


def test_every_listed_object_can_be_read(tmp_path: Path) -> None:
    put(tmp_path, "a b", "c%41", "d#e?f", "g\nh")

    for uri, stored in list_objects([str(tmp_path)], ANYWHERE).items():
        content = source_of(uri, ANYWHERE).read(stored)
        assert uri == f"file://{tmp_path}/{content.decode()}"
        assert stored.size == len(content)


def test_the_time_of_change_keeps_its_microseconds(tmp_path: Path) -> None:
    put(tmp_path, "a")
    os.utime(tmp_path / "a", ns=(0, 1_700_000_000_123_456_789))

    (stored,) = LocalSource().list(str(tmp_path))

    assert stored.modified == datetime(2023, 11, 14, 22, 13, 20, 123_456, tzinfo=timezone.utc)
    assert stored.etag is None


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}", "file:{}", "{}/../archive"])
def test_an_object_has_one_name_however_the_root_is_written(tmp_path: Path, form: str) -> None:
    put(tmp_path / "archive", "a")

    assert names_of(form.format(tmp_path / "archive")) == [f"file://{tmp_path}/archive/a"]


def test_roots_may_overlap(tmp_path: Path) -> None:
    put(tmp_path, "x/a", "b")
    roots = [str(tmp_path), str(tmp_path / "x"), str(tmp_path / "x" / "a")]

    assert len(list_objects(roots, ANYWHERE)) == 2


def test_links_are_followed_but_never_round_in_circles(tmp_path: Path) -> None:
    put(tmp_path, "archive/x/a", "elsewhere/y/b")
    (tmp_path / "archive/x/up").symlink_to(tmp_path / "archive")
    (tmp_path / "archive/there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/y/back").symlink_to(tmp_path / "archive")

    assert names_of(tmp_path / "archive") == [
        f"file://{tmp_path}/elsewhere/y/b",
        f"file://{tmp_path}/archive/x/a",
    ]


def test_an_object_has_one_name_however_many_links_lead_to_it(tmp_path: Path) -> None:
    put(tmp_path, "real/a")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/b").symlink_to("a")

    roots = [str(tmp_path / "link"), str(tmp_path / "real")]

    assert list(list_objects(roots, ANYWHERE)) == [f"file://{tmp_path}/real/a"]


def test_a_name_that_is_no_text_is_wrong_usage_that_says_so(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff")).write_bytes(b"")

    with pytest.raises(UsageError, match="UTF-8"):
        list_objects([str(tmp_path)], ANYWHERE)


def test_a_link_to_nowhere_is_an_object_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "itself").symlink_to("itself")

    for stored in list_objects([str(tmp_path)], ANYWHERE).values():
        with pytest.raises(OSError, match=r"gone|itself"):
            LocalSource().read(stored)


def test_pipes_are_no_objects(tmp_path: Path) -> None:
    put(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")

    assert names_of(tmp_path) == [f"file://{tmp_path}/a"]


@pytest.mark.parametrize("root", ["none", "empty"])
def test_an_archive_without_objects_is_wrong_usage(tmp_path: Path, root: str) -> None:
    (tmp_path / "empty" / "folder").mkdir(parents=True)

    with pytest.raises(UsageError, match=root):
        list_objects([str(tmp_path / root)], ANYWHERE)


def test_one_archive_of_several_that_is_missing_is_wrong_usage(tmp_path: Path) -> None:
    put(tmp_path, "there/a")

    with pytest.raises(UsageError, match="missing"):
        list_objects([str(tmp_path / "there"), str(tmp_path / "missing")], ANYWHERE)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("a/b", LocalSource),
        ("file:///a", LocalSource),
        ("S3://b/k", S3Source),
        ("s3a://b/k", S3Source),
        ("s3n://b/k", S3Source),
        ("hdfs://n/p", ArrowSource),
        ("gs://b/k", ArrowSource),
    ],
)
def test_the_scheme_chooses_the_source(uri: str, source: type) -> None:
    assert isinstance(source_of(uri, ANYWHERE), source)


def test_access_shows_no_secret() -> None:
    access = S3Access("http://e", "eu", "AKIA-id", "hunter2", "hunter3")

    assert repr(access) == "S3Access(endpoint='http://e')"
