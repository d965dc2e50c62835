"""What this machine has and lacks for the jobs to run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qldb_replay.codec import lack_of_native
from qldb_replay.installed import (
    JAVA_VERSIONS,
    delta_package,
    java_home,
    system_java_version,
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is there and works.
        required: whether the main job needs it.
        says: what was found, and what to do where it is missing.
    """

    name: str
    ok: bool
    required: bool
    says: str

    @property
    def verdict(self) -> str:
        """Returns `ok`, `MISSING` for what the main job needs, else `absent`."""
        if self.ok:
            return "ok"
        return "MISSING" if self.required else "absent"


def examine(spark_settings: Mapping[str, str]) -> list[Check]:
    """Looks at everything; starts Spark and writes a small Delta table to a temporary folder.

    Args:
        spark_settings: settings for the session.
    """
    java = _java()
    checks = [java, _package("pyspark"), _package("pyarrow")]
    if all(check.ok for check in checks):
        checks.append(_delta(spark_settings))
    checks.append(codec_check())
    checks.append(
        Check(
            "task memory",
            True,
            False,
            "each task holds one object: plan 1.5 GB of heap and 1 GB "
            "beside it for objects of 128 MiB",
        )
    )
    checks += [
        _s3(),
        _optional("jinja2", "the report"),
        _optional("matplotlib", "the report's plots"),
        _optional("cryptography", "signed evidence"),
        _optional("psycopg", "PostgreSQL"),
        _optional("pgpq", "PostgreSQL"),
        _optional("pyqldb", "QLDB's protocol"),
    ]
    return checks


def _java() -> Check:
    home = os.environ.get("JAVA_HOME") or java_home()
    if home is not None:
        return Check("java", True, True, home)
    version = system_java_version()
    if version in JAVA_VERSIONS:
        return Check("java", True, True, f"Java {version} on the path")
    found = "none" if version is None else f"Java {version}"
    return Check(
        "java", False, True, f"found {found}, expected Java 17: pip install 'qldb-replay[java]'"
    )


def _package(name: str) -> Check:
    """Imports a package: platforms bring some that pip knows nothing of."""
    try:
        version = str(importlib.import_module(name).__version__)
    except ImportError:
        return Check(name, False, True, "pip install 'qldb-replay[spark]', or use the platform's")
    return Check(name, True, True, version)


def _delta(spark_settings: Mapping[str, str]) -> Check:
    """Writes and reads a Delta table: that the jars can be had shows only by using them."""
    from qldb_replay.lake.delta import Lake
    from qldb_replay.lake.session import build_session, stage_settings

    package = delta_package() or "in Spark's own jars"
    try:
        spark = build_session(spark_settings)
        with tempfile.TemporaryDirectory() as folder, stage_settings(spark):
            lake = Lake.at(spark, f"file://{Path(folder).absolute()}")
            lake.overwrite(spark.range(3), "probe")
            rows = lake.read("probe").count()
    except Exception as error:
        return Check(
            "delta", False, True, f"{package}: {type(error).__name__}; are the jars there?"
        )
    return Check("delta", rows == 3, True, f"{package}; a table was written and read")


def codec_check() -> Check:
    """Looks which codec `auto` takes on this machine."""
    lack = lack_of_native()
    if lack is None:
        return Check("codec", True, False, "native")
    return Check("codec", False, False, f"{lack}: the Python one decodes, far slower")


def _s3() -> Check:
    if importlib.util.find_spec("boto3") is None:
        return Check("s3", False, False, "boto3 is not installed: s3:// archives cannot be read")
    import boto3

    if boto3.session.Session().get_credentials() is None:
        return Check("s3", False, False, "no AWS credentials found: s3:// archives cannot be read")
    return Check("s3", True, False, "AWS credentials found")


def _optional(package: str, purpose: str) -> Check:
    found = importlib.util.find_spec(package) is not None
    return Check(package, found, False, f"for {purpose}" + ("" if found else ": not installed"))
