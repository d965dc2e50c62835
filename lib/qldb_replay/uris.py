"""What a URI says, and small files at any of them: digests, keys, summaries, proofs.

Local places may be written as bare paths, `file:/…` or `file://…`; S3 has three schemes that mean
the same. What pyarrow opens beside these is read and written through it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from qldb_replay.errors import UsageError

S3_SCHEMES = ("s3", "s3a", "s3n")

_SCHEME = re.compile(r"([a-zA-Z][\w+.-]+):/")


def scheme_of(uri: str) -> str:
    """Returns a URI's scheme in small letters, `file` for a bare path."""
    found = _SCHEME.match(uri)
    return "file" if found is None else found[1].lower()


def local_path(uri: str) -> str:
    """Returns the absolute path of a URI whose scheme is `file`."""
    written = re.sub(r"^file:(//)?", "", uri, flags=re.IGNORECASE)
    return os.path.abspath(written)


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Returns the bucket and the key of a URI of S3; either is empty where it is missing."""
    bucket, _, key = uri.partition(":")[2].lstrip("/").partition("/")
    return bucket, key


def read_file(uri: str) -> bytes:
    """Reads a file at a local path or any URI that boto3 or pyarrow can read.

    Args:
        uri: where it is.

    Returns:
        Its content.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        scheme = scheme_of(uri)
        if scheme == "file":
            return Path(local_path(uri)).read_bytes()
        if scheme in S3_SCHEMES:
            return _read_s3(uri)
        import pyarrow.fs as arrow_fs

        system, path_there = arrow_fs.FileSystem.from_uri(uri)
        with system.open_input_stream(path_there) as stream:
            return bytes(stream.read())
    except Exception as error:  # each of the three has errors of its own
        raise UsageError(f"{uri} cannot be read ({type(error).__name__})") from error


def read_text(uri: str) -> str:
    """Reads a text as `read_file` reads a file.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_file(uri).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{uri}: expected text in UTF-8") from error


def _read_s3(uri: str) -> bytes:
    import boto3

    bucket, key = bucket_and_key(uri)
    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def write_text(uri: str, text: str) -> None:
    """Writes a text to a local path or any URI that boto3 or pyarrow can write.

    Args:
        uri: where to.
        text: what to write; a line break is added.

    Raises:
        UsageError: it cannot be written there.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text"
        file.write_text(text + "\n", encoding="utf-8")
        write_file(uri, file)


def write_file(uri: str, file: Path) -> None:
    """Copies a local file to a local path or any URI that boto3 or pyarrow can write.

    Args:
        uri: where to.
        file: what to copy.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        scheme = scheme_of(uri)
        if scheme == "file":
            path = Path(local_path(uri))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, path)
        elif scheme in S3_SCHEMES:
            _write_s3(uri, file)
        else:
            import pyarrow.fs as arrow_fs

            system, path_there = arrow_fs.FileSystem.from_uri(uri)
            with file.open("rb") as content, system.open_output_stream(path_there) as stream:
                shutil.copyfileobj(content, stream)
    except Exception as error:  # each of the three has errors of its own
        raise UsageError(f"{uri} cannot be written ({type(error).__name__})") from error


def _write_s3(uri: str, file: Path) -> None:
    import boto3

    bucket, key = bucket_and_key(uri)
    boto3.client("s3").upload_file(str(file), bucket, key)


def check_writable(uri: str) -> None:
    """Sees beforehand that a file can be written: a local one, for others only their URI shows.

    Raises:
        UsageError: it cannot.
    """
    scheme = scheme_of(uri)
    if scheme == "file":
        path = Path(local_path(uri))
        there = next(each for each in (path, *path.parents) if each.exists())
        fits = there.is_file() if there == path else there.is_dir()
        if not fits or not os.access(there, os.W_OK):
            raise UsageError(f"{uri} cannot be written: expected a file in a folder that can be")
    elif scheme in S3_SCHEMES and not all(bucket_and_key(uri)):
        raise UsageError(f"{uri} cannot be written: expected a bucket and a key")
