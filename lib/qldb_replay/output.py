"""Small files that commands write: summaries, proofs, reports."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


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
    elif scheme in ("s3", "s3a", "s3n"):
        import boto3

        bucket, _, key = rest.partition("/")
        boto3.client("s3").upload_file(str(file), bucket, key)
    else:
        import pyarrow.fs as arrow_fs

        system, path_there = arrow_fs.FileSystem.from_uri(uri)
        with file.open("rb") as content, system.open_output_stream(path_there) as stream:
            shutil.copyfileobj(content, stream)
