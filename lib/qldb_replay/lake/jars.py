"""Puts the jars that Spark lacks into the jars folder of the pyspark that pip installed.

`python -m qldb_replay.lake.jars` does it once, at installation: sessions then start without
resolving anything, without network and without a word. Jars are fetched by Spark's own resolver.
What Spark has already, in whatever version, stays alone: two versions of one library on its class
path break it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from qldb_replay.installed import delta_package, spark_home
from qldb_replay.lake.session import build_session

_VERSION = re.compile(r"-\d[^-]*(-.*)?\.jar$")


def install_jars(packages: list[str], exclude: list[str]) -> list[str]:
    """Fetches packages and what they need into Spark's jars folder.

    Args:
        packages: Maven coordinates.
        exclude: `group:artifact` of what to leave out.

    Returns:
        The names of the jars that were added.
    """
    jars = spark_home() / "jars"
    there = {artifact_of(jar.name) for jar in jars.glob("*.jar")}
    added = []
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "spark.jars.packages": ",".join(packages),
            "spark.jars.excludes": ",".join(exclude),
            "spark.jars.ivy": folder,
        }
        # Where ~/.m2 has a package's description but not its jar, the resolver looks no further.
        options = os.environ.get("SPARK_SUBMIT_OPTS", "")
        os.environ["SPARK_SUBMIT_OPTS"] = f"{options} -Duser.home={folder}".strip()
        build_session(settings, "qldb-replay-jars").stop()
        for jar in sorted(Path(folder, "jars").glob("*.jar")):
            if artifact_of(jar.name) not in there:
                shutil.copyfile(jar, jars / jar.name)
                added.append(jar.name)
    return added


def artifact_of(jar: str) -> str:
    """Returns a jar's name without its version and without the group that Ivy puts in front."""
    name = _VERSION.sub("", jar)
    _, _, artifact = name.partition("_")
    # Scala's version follows an underscore too.
    return name if not artifact or artifact[0].isdigit() else artifact


def main(arguments: list[str]) -> None:
    """Installs the Delta jars, and any packages named (`-group:artifact` excludes one)."""
    packages = [argument for argument in arguments if not argument.startswith("-")]
    exclude = [argument[1:] for argument in arguments if argument.startswith("-")]
    delta = delta_package()
    wanted = packages if delta is None else [delta, *packages]
    if wanted:
        for jar in install_jars(wanted, exclude):
            print(jar)


if __name__ == "__main__":
    main(sys.argv[1:])
