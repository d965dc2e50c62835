"""Passwords come from where other users cannot look."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from qldb_replay.commands.passwords import read_password
from qldb_replay.errors import UsageError


def test_from_the_environment_a_file_or_nowhere(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "hush")
    (tmp_path / "secret").write_text("hush hush\r\nnot this\n")
    assert read_password(None) is None
    assert read_password("env:SOME_PASSWORD") == "hush"
    assert read_password(f"file:{tmp_path}/secret") == "hush hush"


@pytest.mark.parametrize(
    "secret", ["", "hush", "env:", "vault:x", "env:NOT_THERE", "file:/no/such"]
)
def test_what_is_not_there_is_said_and_not_shown(secret) -> None:
    with pytest.raises(UsageError, match="--secret") as raised:
        read_password(secret)

    assert "NOT_THERE" not in str(raised.value)
    assert "/no/such" not in str(raised.value)


@mock_aws
def test_from_secrets_manager(monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    secrets = boto3.client("secretsmanager")
    described = {"username": "me", "password": "hush"}
    secrets.create_secret(Name="described", SecretString=json.dumps(described))
    secrets.create_secret(Name="plain", SecretString="hush hush")
    secrets.create_secret(Name="other", SecretString="{}")
    assert read_password("aws:described") == "hush"
    assert read_password("aws:plain") == "hush hush"
    for name in ("other", "no-such"):
        with pytest.raises(UsageError, match="--secret aws") as raised:
            read_password(f"aws:{name}")
        assert name not in str(raised.value)
