"""The package in clean environments: built where cargo is, whole without, and as a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "QLDB_REPLAY_INSTALL" not in os.environ,
        reason="takes minutes and needs PyPI: set QLDB_REPLAY_INSTALL",
    ),
]

ROOT = Path(__file__).parents[2]
SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "lib", "native")
BUILT = shutil.ignore_patterns("target", "*.egg-info", "__pycache__", "_native.*.so")
NEEDS_CARGO = pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo on the path")
WHEELS = sorted(ROOT.glob("dist/*-abi3-manylinux*.whl"))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A new environment that finds everything but this package where these tests find it."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The package's sources, with nothing built among them."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=BUILT)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def without_cargo() -> str:
    """This process's path but for the folders that have cargo."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(each for each in folders if not Path(each, "cargo").exists())


def run(environment: Path, *command: str, path: str | None = None) -> str:
    """Runs a program of an environment; crates that were compiled before are used again."""
    target = str(ROOT / "native" / "target")
    settings = {**os.environ, "CARGO_TARGET_DIR": target, "PATH": path or os.environ["PATH"]}
    program = [str(environment / "bin" / command[0]), *command[1:]]
    ended = subprocess.run(program, env=settings, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 2), ended.stderr
    return ended.stdout + ended.stderr


def install(environment: Path, *what: str, path: str | None = None) -> None:
    run(environment, "python", "-m", "pip", "install", "--no-deps", *what, path=path)


def codec_line(environment: Path) -> list[str]:
    """What doctor says of the codec: its verdict, and how it says it."""
    lines = run(environment, "qldb-replay", "doctor").splitlines()
    verdict, _, says = next(line.split(maxsplit=2) for line in lines if " codec " in line)
    return [verdict, says]


@NEEDS_CARGO
@pytest.mark.parametrize("editable", [True, False], ids=["editable", "wheel"])
def test_with_cargo_the_native_codec_is_built(environment, sources, editable) -> None:
    install(environment, *(["--editable"] if editable else []), str(sources))

    assert codec_line(environment) == ["ok", "native"]


def test_without_cargo_the_python_codec_stands_in_and_says_so(environment, sources) -> None:
    install(environment, str(sources), path=without_cargo())
    verdict, says = codec_line(environment)

    assert verdict == "absent"
    assert "the native codec is not built" in says
    ingest = ("qldb-replay", "ingest", "--archive", "a", "--lake", "b")
    assert "--codec native: the native codec is not built" in run(
        environment, *ingest, "--codec", "native"
    )


@NEEDS_CARGO
def test_a_build_that_fails_is_no_failed_install(environment, sources) -> None:
    (sources / "native" / "src" / "lib.rs").write_text("this is no Rust")
    install(environment, str(sources))

    assert codec_line(environment)[0] == "absent"


@pytest.mark.skipif(WHEELS == [], reason="no wheel in dist/: make wheel builds it")
def test_the_wheel_brings_the_native_codec_where_no_cargo_is(environment) -> None:
    install(environment, str(WHEELS[-1]), path=without_cargo())

    assert codec_line(environment) == ["ok", "native"]
