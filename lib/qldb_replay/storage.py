"""Lists and reads an archive's objects: local folders, S3, and what pyarrow knows beside them.

Workers fetch the objects themselves instead of taking them from Spark's `binaryFile`, which skips
names that begin with `_` or `.`, takes others for patterns, needs several times an object's size
as heap and has no ETag. Access to S3 is what the session's `fs.s3a.*` settings say, else boto3's
own search (environment, profile, instance or task role).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from qldb_replay.errors import UsageError
from qldb_replay.uris import S3_SCHEMES, bucket_and_key, local_path, scheme_of


@dataclass(frozen=True)
class StoredObject:
    """An archive object as its storage names it.

    Attributes:
        uri: scheme first, not percent-encoded; `file:///…` locally, `s3://…` for every S3 scheme.
        size: stored bytes.
        modified: time of the last change, UTC.
        etag: what S3 says of the content, None elsewhere.
    """

    uri: str
    size: int
    modified: datetime
    etag: str | None


@dataclass(frozen=True)
class S3Access:
    """How workers reach S3; None leaves the choice to boto3.

    Attributes:
        endpoint: URL of the service.
        region: region name.
        access_key: key ID.
        secret_key: secret of the key.
        session_token: token of temporary keys.
        path_style: whether the bucket's name goes to the path instead of the host.
    """

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    path_style: bool = False

    def __repr__(self) -> str:
        """Names the endpoint only: the rest may be secret."""
        return f"S3Access(endpoint={self.endpoint!r})"


class Source(Protocol):
    """One kind of storage."""

    def list(self, root: str) -> Iterator[StoredObject]:
        """Gives every object under a root (or the object that the root names)."""

    def read(self, item: StoredObject) -> bytes:
        """Returns an object's stored bytes; OSError where it cannot be read."""


class LocalSource:
    """Folders and files of this machine, or mounted on every worker."""

    def list(self, root: str) -> Iterator[StoredObject]:
        """Gives the files under a root in the order of their names.

        Links are followed, unless one leads back to a folder that the walk came through: it would
        give the same files under ever longer names. A link that leads nowhere is listed, and found
        unreadable when it is read; pipes, sockets and devices are no objects.
        """
        path = Path(local_path(root))
        if path.is_file():
            yield self._stored(path)
            return
        for folder, folders, names in os.walk(path, onerror=_raise, followlinks=True):
            folders[:] = sorted(
                name for name in folders if not _leads_back(path, Path(folder, name))
            )
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_file() or file.is_symlink():
                    yield self._stored(file)

    def read(self, item: StoredObject) -> bytes:
        """Returns a file's bytes."""
        return Path(local_path(item.uri)).read_bytes()

    @staticmethod
    def _stored(path: Path) -> StoredObject:
        status = path.stat() if path.exists() else path.lstat()
        modified = datetime.fromtimestamp(status.st_mtime_ns // 1000 / 1e6, tz=timezone.utc)
        name = os.path.realpath(path) if path.exists() else str(path)
        if name != name.encode("utf-8", "replace").decode():
            raise UsageError("a file's name in the archive is not valid UTF-8: rename it first")
        return StoredObject(f"file://{name}", status.st_size, modified, None)


class S3Source:
    """Objects of S3 or of a service that speaks its protocol."""

    def __init__(self, access: S3Access) -> None:
        self._access = access

    def list(self, root: str) -> Iterator[StoredObject]:
        """Gives the objects whose keys lie under a prefix, a thousand for each request."""
        bucket, prefix = bucket_and_key(root)
        pages = self._client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                inside = not prefix or key == prefix or key.startswith(prefix.rstrip("/") + "/")
                if inside and not (key.endswith("/") and entry["Size"] == 0):
                    etag = entry["ETag"].strip('"')
                    modified = entry["LastModified"].astimezone(timezone.utc)
                    yield StoredObject(f"s3://{bucket}/{key}", entry["Size"], modified, etag)

    def read(self, item: StoredObject) -> bytes:
        """Returns an object's bytes if it still is the one that was listed."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = bucket_and_key(item.uri)
        try:
            answer = self._client().get_object(Bucket=bucket, Key=key, IfMatch=f'"{item.etag}"')
            return bytes(answer["Body"].read())
        except (BotoCoreError, ClientError) as error:
            raise OSError(type(error).__name__) from error

    def _client(self) -> Any:
        return _s3_client(self._access)


class ArrowSource:
    """Whatever else pyarrow opens: HDFS where its native library is, Google and Azure storage."""

    def list(self, root: str) -> Iterator[StoredObject]:
        """Gives the files under a root (or the file that the root names)."""
        import pyarrow.fs as arrow_fs

        system, path, base = self._opened(root)
        found = system.get_file_info(path)
        if found.type == arrow_fs.FileType.Directory:
            found = system.get_file_info(arrow_fs.FileSelector(path, recursive=True))
        for info in found if isinstance(found, list) else [found]:
            if info.is_file:
                modified = info.mtime.astimezone(timezone.utc)
                yield StoredObject(base + info.path.lstrip("/"), info.size, modified, None)

    def read(self, item: StoredObject) -> bytes:
        """Returns a file's bytes."""
        import pyarrow as pa

        try:
            system, path, _ = self._opened(item.uri)
            with system.open_input_stream(path) as stream:
                return bytes(stream.readall())
        except pa.ArrowException as error:
            raise OSError(type(error).__name__) from error

    @staticmethod
    def _opened(uri: str) -> tuple[Any, str, str]:
        """Returns the file system, the path in it, and what stands before the path in URIs.

        The authority is a bucket in some schemes and a server in others: pyarrow's path for the
        bare authority tells which. Paths are passed on as they are, never parsed as URIs.
        """
        import pyarrow.fs as arrow_fs

        scheme, _, rest = uri.partition("://")
        authority, slash, path = rest.partition("/")
        system, inside = arrow_fs.FileSystem.from_uri(f"{scheme}://{authority}/")
        if inside.strip("/"):
            return system, (authority + slash + path).rstrip("/"), f"{scheme}://"
        return system, "/" + path.rstrip("/"), f"{scheme}://{authority}/"


def source_of(uri: str, access: S3Access) -> Source:
    """Chooses the source by a URI's scheme."""
    scheme = scheme_of(uri)
    if scheme == "file":
        return LocalSource()
    if scheme in S3_SCHEMES:
        return S3Source(access)
    return ArrowSource()


def list_objects(roots: Iterable[str], access: S3Access) -> dict[str, StoredObject]:
    """Lists archives.

    Args:
        roots: `--archive` values.
        access: how to reach S3.

    Returns:
        The objects by URI, one for each however many roots lead to it.

    Raises:
        UsageError: a root cannot be reached, or there is no object under any of them.
    """
    found: dict[str, StoredObject] = {}
    for root in roots:
        try:
            found.update((item.uri, item) for item in source_of(root, access).list(root))
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"archive {root} cannot be listed ({type(error).__name__}): "
                "check that it exists and that this identity may list it"
            ) from error
    if not found:
        raise UsageError(f"no object under --archive {', '.join(roots)}")
    return found


def canonical_uri(uri: str) -> str:
    """Returns a URI as `objects` names it: S3's schemes are one, local links are resolved."""
    scheme = scheme_of(uri)
    if scheme == "file":
        return f"file://{os.path.realpath(local_path(uri))}"
    return f"s3://{'/'.join(bucket_and_key(uri))}" if scheme in S3_SCHEMES else uri


def _raise(error: OSError) -> None:
    raise error


def _leads_back(root: Path, folder: Path) -> bool:
    """Says whether a folder is a link to one that lies on the way to it from the root."""
    if not folder.is_symlink():
        return False
    on_the_way = {os.path.realpath(above) for above in folder.parents}
    return os.path.realpath(folder) in on_the_way


@functools.lru_cache(maxsize=8)
def _s3_client(access: S3Access) -> Any:
    import boto3
    from botocore.config import Config

    style = "path" if access.path_style else "auto"
    return boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        aws_session_token=access.session_token,
        config=Config(
            s3={"addressing_style": style}, retries={"mode": "standard", "max_attempts": 5}
        ),
    )
