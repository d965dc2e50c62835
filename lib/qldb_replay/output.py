"""Small files that commands write: summaries, proofs, reports."""

from __future__ import annotations

from pathlib import Path


def write_text(uri: str, text: str) -> None:
    """Writes a text to a local path or any URI that boto3 or pyarrow can write.

    Args:
        uri: where to.
        text: what to write; a line break is added.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark or scheme == "file":
        path = Path(rest if mark else uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    elif scheme in ("s3", "s3a", "s3n"):
        import boto3

        bucket, _, key = rest.partition("/")
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
    else:
        import pyarrow.fs as arrow_fs

        system, path_there = arrow_fs.FileSystem.from_uri(uri)
        with system.open_output_stream(path_there) as stream:
            stream.write(text.encode())
