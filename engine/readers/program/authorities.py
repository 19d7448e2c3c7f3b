"""The file of certificates that a scenario believes, read beside it."""

from __future__ import annotations

import ssl
from pathlib import Path

from engine.readers.parsing.errors import bad_scenario
from engine.readers.parsing.tree import Tree
from engine.readers.program.found import read_file

BYTES_MAX = 64 * 1024
"""Some dozens of certificates; they are kept with every run."""

FIELD = ("tls", "ca")


def read_authorities(name: str, tree: Tree, file: str) -> str:
    """The certificates in the file, as PEM.

    Raises:
        BadScenarioError: It cannot be read, or holds no certificates.
    """
    try:
        return _certificates(Path(file).resolve().parent, name)
    except OSError as error:
        # That a file holds no certificates is an error of the same kind, without a number.
        said = (
            f"{name!r} holds no certificates in PEM form (-----BEGIN CERTIFICATE-----)"
            if isinstance(error, ssl.SSLError)
            else f"{name!r} cannot be read: {error.strerror}"
        )
        raise bad_scenario(file, said, field="tls.ca", line=tree.line_of(FIELD)) from error
    except ValueError as error:
        raise bad_scenario(file, str(error), field="tls.ca", line=tree.line_of(FIELD)) from error


def _certificates(folder: Path, name: str) -> str:
    path = (folder / name).resolve(strict=True)
    if not path.is_relative_to(folder) or not path.is_file():
        raise ValueError(f"{name!r} is no file in the scenario's folder")
    content, _ = read_file(path)
    if len(content) > BYTES_MAX:
        raise ValueError(
            f"{name!r} holds more than {BYTES_MAX // 1024} KiB; leave in it the authorities of the "
            "target only"
        )
    text = content.decode("ascii", errors="replace")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    return text
