"""Small text files beside the tables, on whatever file system the lake lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from qldb_replay.errors import UsageError


class LakeFiles:
    """Reads and writes whole small files under a lake through Hadoop's file systems.

    Args:
        spark: the session whose Hadoop settings apply.
        lake: the lake's URI.
    """

    def __init__(self, spark: SparkSession, lake: str) -> None:
        self._jvm: Any = spark._jvm
        self._root = lake.rstrip("/")
        try:
            root = self._jvm.org.apache.hadoop.fs.Path(self._root)
            self._fs = root.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
        except Py4JJavaError as error:
            raise UsageError(
                f"lake {lake} cannot be reached ({java_class(error)}): check the URI, and that "
                "Spark has the file system's jars"
            ) from error

    def read(self, name: str) -> str | None:
        """Returns a file's text, None where there is no such file.

        A file that another process writes over (`overwrite`) may be empty or cut short.
        """
        for candidate in (name, f"{name}.new"):
            try:
                return self._text(self._path(candidate))
            except Py4JJavaError as error:
                if java_class(error) == "ChecksumException":
                    return ""
                if java_class(error) != "FileNotFoundException":
                    raise
        return None

    def write(self, name: str, text: str) -> None:
        """Replaces a file: a reader sees the old text or the new, never a part.

        Not every file system renames onto an existing file, so the old one goes first; `read`
        takes the finished new one where a kill came between.
        """
        fresh, target = self._path(f"{name}.new"), self._path(name)
        self._put(fresh, text, overwrite=True)
        self._fs.delete(target, False)
        self._fs.rename(fresh, target)

    def overwrite(self, name: str, text: str) -> None:
        """Writes over a file: it is there at every moment, but a reader may see a part."""
        self._put(self._path(name), text, overwrite=True)

    def create(self, name: str, text: str) -> bool:
        """Writes a file unless it exists; returns whether it was written."""
        try:
            self._put(self._path(name), text, overwrite=False)
        except Py4JJavaError as error:
            if java_class(error) != "FileAlreadyExistsException":
                raise
            return False
        return True

    def delete(self, name: str) -> None:
        """Removes a file if it exists."""
        self._fs.delete(self._path(name), False)
        self._fs.delete(self._path(f"{name}.new"), False)

    def upload(self, local: Path, name: str) -> None:
        """Copies a local file here, over what is there."""
        source = self._jvm.org.apache.hadoop.fs.Path(local.absolute().as_uri())
        self._fs.copyFromLocalFile(False, True, source, self._path(name))

    def delete_folder(self, name: str) -> None:
        """Removes a folder and all in it, if it exists."""
        self._fs.delete(self._path(name), True)

    def names(self, name: str) -> list[str]:
        """Returns the names directly under a folder, none where it does not exist."""
        path = self._path(name)
        if not self._fs.exists(path):
            return []
        return [entry.getPath().getName() for entry in self._fs.listStatus(path)]

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self._root}/{name}")

    def _text(self, path: Any) -> str:
        stream = self._fs.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def _put(self, path: Any, text: str, *, overwrite: bool) -> None:
        encoded = bytearray(text, "utf-8")
        stream = self._fs.create(path, overwrite)
        try:
            stream.write(encoded)
        finally:
            stream.close()


def java_class(error: Py4JJavaError) -> str:
    """Returns the name of a Java exception's class, without its package."""
    return str(error.java_exception.getClass().getSimpleName())
