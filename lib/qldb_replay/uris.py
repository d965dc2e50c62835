"""Small files that commands are given or write, at any URI: digests, keys, summaries, proofs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from qldb_replay.errors import UsageError

_S3 = ("s3", "s3a", "s3n")


def read_file(uri: str) -> bytes:
    """Reads a file at a local path or any URI that boto3 or pyarrow can read.

    Args:
        uri: where it is.

    Returns:
        Its content.

    Raises:
        UsageError: it cannot be read.
    """
    scheme, mark, rest = uri.partition("://")
    try:
        if not mark or scheme == "file":
            return Path(rest if mark else uri).read_bytes()
        if scheme in _S3:
            return _read_s3(*rest.split("/", 1))
        import pyarrow.fs as arrow_fs

        system, path_there = arrow_fs.FileSystem.from_uri(uri)
        with system.open_input_stream(path_there) as stream:
            return bytes(stream.read())
    except Exception as error:  # each of the three has errors of its own
        raise UsageError(f"{uri} cannot be read ({type(error).__name__})") from error


def _read_s3(bucket: str, key: str) -> bytes:
    import boto3

    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def write_text(uri: str, text: str) -> None:
    """Writes a text to a local path or any URI that boto3 or pyarrow can write.

    Args:
        uri: where to.
        text: what to write; a line break is added.
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
    """
    scheme, mark, rest = uri.partition("://")
    if not mark or scheme == "file":
        path = Path(rest if mark else uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    elif scheme in _S3:
        import boto3

        bucket, _, key = rest.partition("/")
        boto3.client("s3").upload_file(str(file), bucket, key)
    else:
        import pyarrow.fs as arrow_fs

        system, path_there = arrow_fs.FileSystem.from_uri(uri)
        with file.open("rb") as content, system.open_output_stream(path_there) as stream:
            shutil.copyfileobj(content, stream)
