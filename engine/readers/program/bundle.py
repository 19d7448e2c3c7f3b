"""The bundle that injectors get: the files of a scenario's program, packed."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from engine.readers.program.found import read_file
from engine.scenario.program import LoadProgram, ProgramFile, ProgramFilesError


def pack(program: LoadProgram) -> bytes:
    """The program's files as an archive; the same files always give the same bytes.

    Raises:
        ProgramFilesError: A file is not what it was when the scenario was read.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in program.files:
            try:
                content, _ = read_file(Path(program.folder) / file.path)
            except OSError as error:
                raise _changed(file, error.strerror or str(error)) from error
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise _changed(file, "its content changed after the scenario was read")
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode = len(content), 0o755 if file.executable else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Write the files of a bundle into a folder, as an injector has them.

    Member by member: Python before 3.11.4 has no filter for archives, and later ones want one.
    """
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None, "a bundle has files only"
            place = folder / entry.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
            place.chmod(entry.mode)


def _changed(file: ProgramFile, reason: str) -> ProgramFilesError:
    return ProgramFilesError(f"{file.path!r}: {reason}; read the scenario again", path=file.path)
