"""Which library a jar is, so that Spark never gets a second version of one it has."""

import pytest

from qldb_replay.lake.jars import artifact_of


@pytest.mark.parametrize(
    ("jar", "artifact"),
    [
        ("jackson-core-2.15.2.jar", "jackson-core"),
        ("com.fasterxml.jackson.core_jackson-core-2.12.6.jar", "jackson-core"),
        ("commons-codec_commons-codec-1.15.jar", "commons-codec"),
        ("io.delta_delta-spark_2.12-3.3.3.jar", "delta-spark_2.12"),
        ("json4s-jackson_2.12-3.7.0-M11.jar", "json4s-jackson_2.12"),
        ("org.wildfly.openssl_wildfly-openssl-1.0.7.Final.jar", "wildfly-openssl"),
    ],
)
def test_a_jar_is_known_without_its_group_and_version(jar: str, artifact: str) -> None:
    assert artifact == artifact_of(jar)
