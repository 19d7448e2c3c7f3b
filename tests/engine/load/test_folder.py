"""What is read from a run's folder is always whole."""

from __future__ import annotations

from pathlib import Path

from engine.load import folder


def test_nothing_written_yet_is_nothing(tmp_path: Path) -> None:
    assert folder.read_document(tmp_path / folder.RESULT) is None
    assert folder.last_line(tmp_path / folder.PROGRESS) is None


def test_a_document_replaces_the_one_before_and_leaves_no_draft(tmp_path: Path) -> None:
    folder.write_document(tmp_path / folder.RESULT, {"requests": list(range(1000))})
    folder.write_document(tmp_path / folder.RESULT, {"requests": 2})
    assert folder.read_document(tmp_path / folder.RESULT) == {"requests": 2}
    assert [path.name for path in tmp_path.iterdir()] == [folder.RESULT]


def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    progress = tmp_path / folder.PROGRESS
    progress.write_text('{"users": 1}\n{"use')
    assert folder.last_line(progress) == {"users": 1}
    progress.write_text('{"use')
    assert folder.last_line(progress) is None


def test_the_last_of_very_many_lines_is_found(tmp_path: Path) -> None:
    progress = tmp_path / folder.PROGRESS
    for users in range(5000):
        folder.append_line(progress, {"users": users, "message": "x" * 40})
    assert folder.last_line(progress) == {"users": 4999, "message": "x" * 40}
