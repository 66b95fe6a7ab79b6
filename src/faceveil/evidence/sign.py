"""Detached signatures that `ssh-keygen -Y verify` accepts.

The format is SSHSIG, version 1 (PROTOCOL.sshsig of OpenSSH), with Ed25519 (RFC 8709).
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from faceveil.errors import OutputError, UsageError
from faceveil.i18n import reason_of, say
from faceveil.system.extras import advice_for
from faceveil.system.files import open_own

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "faceveil"
"""The purpose that the signature is valid for; ``ssh-keygen -Y verify`` is given it as ``-n``."""

_ALGORITHM, _HASH = b"ssh-ed25519", b"sha512"
_LINE = 70


def load_key(path: Path, passphrase: Callable[[], str] = str) -> Ed25519PrivateKey:
    """The private key in a file, as `ssh-keygen -t ed25519` makes it.

    Args:
        passphrase: asked if the key is protected by one.

    Raises:
        UsageError: cryptography is not installed, or the file holds no such key.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_ssh_private_key
    except ImportError as error:
        raise UsageError(
            say("signing needs the package cryptography"),
            advice_for("sign"),
        ) from error
    advice = say("Make one with: ssh-keygen -t ed25519 -f KEY")
    try:
        data = path.read_bytes()
        try:
            key = load_ssh_private_key(data, None)
        except TypeError:  # it is protected
            words = passphrase().encode()
            try:
                key = load_ssh_private_key(data, words)
            except ValueError as error:
                raise UsageError(
                    say("{path} does not open with this passphrase", path=path)
                ) from error
    except OSError as error:
        raise UsageError(
            say("{name} cannot be read: {reason}", name=path, reason=reason_of(error)), advice
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            say("{path} is no private key that can be used", path=path), advice
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(say("{path} is no Ed25519 key", path=path), advice)
    return key


def sign(data: bytes, key: Ed25519PrivateKey) -> str:
    """The signature of some bytes, as the text of a ``.sig`` file."""
    public = _string(_ALGORITHM) + _string(key.public_key().public_bytes_raw())
    what = _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH)
    signed = key.sign(b"SSHSIG" + what + _string(hashlib.sha512(data).digest()))
    signature = _string(_ALGORITHM) + _string(signed)
    whole = b"SSHSIG" + struct.pack(">I", 1) + _string(public) + what + _string(signature)
    text = base64.b64encode(whole).decode()
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def sign_file(path: Path, key: Ed25519PrivateKey) -> Path:
    """Write ``x.sig`` beside ``x`` and return its path.

    Raises:
        OutputError: it cannot be written.
    """
    target = path.with_name(path.name + ".sig")
    try:
        signature = sign(path.read_bytes(), key)
        with os.fdopen(open_own(target, 0o666), "w", encoding="ascii") as file:
            file.write(signature)
    except OSError as error:
        raise OutputError(
            say("cannot write {path}: {reason}", path=target, reason=reason_of(error))
        ) from error
    return target


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value
