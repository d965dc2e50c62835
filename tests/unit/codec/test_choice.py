"""Which codec decodes: what is asked for, what is there, and that nobody is misled about it."""

import sys
from types import ModuleType

import pyarrow as pa
import pytest

from qldb_replay import codec, doctor
from qldb_replay.cli import main
from qldb_replay.codec import choice, objects, typed
from qldb_replay.codec.types import Scalar
from qldb_replay.config import parse
from qldb_replay.errors import UsageError
from qldb_replay.limits import DEFAULT_LIMITS
from qldb_replay.options import parser_of

NAME = "qldb_replay.codec.native"
DOCUMENTS = pa.array([b"\xe0\x01\x00\xea\x11", None])


@pytest.fixture
def without_native(monkeypatch):
    """A machine on which the extension was not built."""
    monkeypatch.delattr(codec, "native", raising=False)
    monkeypatch.setitem(sys.modules, NAME, None)


@pytest.fixture
def with_native(monkeypatch):
    """A machine on which it was; gives something that only it gives."""
    module = ModuleType(NAME)
    module.decode_objects = lambda given, limits: iter(["native", *given])
    module.build = lambda documents, type_: pa.array(["native"])
    monkeypatch.setattr(codec, "native", module, raising=False)
    monkeypatch.setitem(sys.modules, NAME, module)


@pytest.mark.usefixtures("with_native")
def test_auto_takes_the_native_codec_where_it_is_built():
    assert choice.settled("auto") == "native"
    assert list(codec.decode_objects([], DEFAULT_LIMITS)) == ["native"]
    assert list(codec.decode_objects([], DEFAULT_LIMITS, "native")) == ["native"]
    assert codec.build(DOCUMENTS, Scalar.BOOL).to_pylist() == ["native"]
    assert codec.build(DOCUMENTS, Scalar.BOOL, "native").to_pylist() == ["native"]


@pytest.mark.usefixtures("with_native")
def test_python_is_python_whatever_is_built():
    (batch,) = codec.decode_objects([("a", b"", None)], DEFAULT_LIMITS, "python")

    assert batch.equals(*objects.decode_objects([("a", b"", None)], DEFAULT_LIMITS))
    column = codec.build(DOCUMENTS, Scalar.BOOL, "python")
    assert column.equals(typed.build(DOCUMENTS, Scalar.BOOL))


@pytest.mark.usefixtures("without_native")
def test_auto_falls_back_to_python():
    (batch,) = codec.decode_objects([("a", b"", None)], DEFAULT_LIMITS)

    assert choice.settled("auto") == "python"
    assert batch.num_rows == 1
    assert codec.build(DOCUMENTS, Scalar.BOOL).to_pylist() == [True, None]


@pytest.mark.usefixtures("without_native")
def test_native_without_the_extension_is_wrong_usage_that_says_what_to_do():
    with pytest.raises(UsageError, match="not built; install a wheel"):
        codec.decode_objects([], DEFAULT_LIMITS, "native")
    with pytest.raises(UsageError, match="not built; install a wheel"):
        codec.build(DOCUMENTS, Scalar.BOOL, "native")


def test_an_extension_that_cannot_be_loaded_says_why(monkeypatch, tmp_path):
    monkeypatch.delattr(codec, "native", raising=False)
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    (tmp_path / "native.py").write_text("raise ImportError('GLIBC_9.9 not found')")
    monkeypatch.setattr(codec, "__path__", [str(tmp_path)])

    assert choice.lack_of_native() == "the native codec cannot be loaded (GLIBC_9.9 not found)"
    assert choice.settled("auto") == "python"


@pytest.mark.usefixtures("without_native")
@pytest.mark.parametrize(
    "command",
    [
        ["ingest", "--archive", "a", "--lake", "l"],
        ["rebuild", "--lake", "l"],
        ["run", "--archive", "a", "--lake", "l"],
        ["verify", "--lake", "l", "--full"],
        ["verify", "--to", "sqlite:///x.db"],
    ],
    ids=["ingest", "rebuild", "run", "verify --full", "verify --to"],
)
def test_commands_refuse_a_codec_that_is_not_here_before_they_start(command, capsys):
    assert main([*command, "--codec", "native"]) == 2
    assert "--codec native: the native codec is not built" in capsys.readouterr().err


@pytest.mark.usefixtures("without_native")
def test_auto_says_once_that_the_slow_codec_decodes(capsys, tmp_path):
    command = ["run", "--archive", "a", "--lake", "l", "--digest", str(tmp_path / "none")]
    said = "qldb-replay run: the native codec is not built: the Python one decodes"

    assert main(command) == 2
    assert capsys.readouterr().err.count(said) == 1
    assert main([*command, "--codec", "python"]) == 2
    assert said not in capsys.readouterr().err


@pytest.mark.parametrize("name", choice.CODECS)
def test_the_command_line_has_every_codec(name):
    arguments = ["--archive", "a", "--lake", "l", "--codec", name]

    assert parse(parser_of("ingest"), arguments).codec == name


def test_doctor_says_which_codec_there_is(request):
    request.getfixturevalue("with_native")
    assert (doctor.codec_check().verdict, doctor.codec_check().says) == ("ok", "native")
    request.getfixturevalue("without_native")
    assert doctor.codec_check().verdict == "absent"
    assert "not built" in doctor.codec_check().says
