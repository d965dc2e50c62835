"""Where a destination's password comes from: never a command line, which other users can see.

What follows `env:` is in no message: it is the password where somebody wrote `env:$PW`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from qldb_replay.errors import UsageError

_EXPECTED = "--secret: expected env:NAME, file:PATH or aws:SECRET"


def read_password(secret: str | None) -> str | None:
    """Reads a password from where an option says it is.

    Args:
        secret: `env:NAME` for an environment variable, `file:PATH` for a file's first line,
            `aws:SECRET` for the name or ARN of a secret in AWS Secrets Manager, as plain text or
            as JSON with `password`; None for none.

    Returns:
        The password.

    Raises:
        UsageError: it is not there, or cannot be read.
    """
    if secret is None:
        return None
    kind, _, where = secret.partition(":")
    readers = {"env": _of_environment, "file": _of_file, "aws": _of_aws}
    if kind not in readers or not where:
        raise UsageError(_EXPECTED)
    return readers[kind](where)


def _of_environment(name: str) -> str:
    found = os.environ.get(name)
    if found is None:
        raise UsageError("--secret env: there is no environment variable of that name")
    return found


def _of_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--secret file: cannot be read ({type(error).__name__})") from None


def _of_aws(name: str) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        text = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        raise UsageError(f"--secret aws: cannot be read ({type(error).__name__})") from None
    try:
        found = json.loads(text)
    except ValueError:
        return str(text)
    if not isinstance(found, dict):
        return str(text)
    if "password" not in found:
        raise UsageError("--secret aws: JSON without the key password")
    return str(found["password"])
