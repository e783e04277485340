"""Runs that are broken off and go on."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path

import pytest

from jdextract.batch import parts
from jdextract.batch.locks import locked
from jdextract.batch.opening import folder_of
from jdextract.errors import RunError
from tests.batch.conftest import RunOf, read_all
from tests.batch.kill import disturbed, finish, start, undisturbed
from tests.batch.standin import ABORT, UNFORESEEN, targets_in, write_table


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """After the first chunk, writing a part file fails as on a full disk, when half of what was to be written is."""
    whole = parts.Parts.append

    def append(self: parts.Parts, part: str, data: bytes) -> None:
        if part == name and self.lengths[parts.RECORDS]:
            os.write(self._files[part], data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(self, part, data)

    monkeypatch.setattr(parts.Parts, "append", append)


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """After kill -9 of the whole process group at three moments `--resume` gives the bytes of an unbroken run.

    `python -m tests.batch.kill --times 20` does it at random moments, as often as wanted.
    """
    table = write_table(tmp_path / "t.jsonl", 600, {90: f"x\n{ABORT}", 500: f"x\n{UNFORESEEN}"})
    whole, size = undisturbed(tmp_path / "whole", table, ".jsonl")
    found, killed = disturbed(tmp_path / "out", table, ".jsonl", [0.1, 0.4, 0.8], size)
    assert killed == 3
    assert found == whole
    assert json.loads((tmp_path / "out" / "run.json").read_text())["resumed"] >= 1


@pytest.mark.parametrize(("part", "workers"), [(parts.RECORDS, 2), (parts.SEEN, 1), (parts.ARTICLES, 1)])
def test_a_full_disk_loses_nothing(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, workers: int
) -> None:
    """The run ends with a message, the outputs stay as they were, and with room again it goes on to the same bytes."""
    run([table], tmp_path / "whole")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "r.jsonl").write_text("old")
    with monkeypatch.context() as full:
        fill_the_disk(full, part)
        with pytest.raises(RunError, match="No space left") as caught:
            run([table], tmp_path / "out", workers)
    assert "--resume" in caught.value.hint
    assert (tmp_path / "out" / "r.jsonl").read_text() == "old"
    assert run([table], tmp_path / "out", workers, resume=True).summary["resumed"] == 1
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_limit_of_the_system_is_a_full_disk(tmp_path: Path) -> None:
    """What the system refuses in earnest, by its bound on the size of a file, is survived like what a test makes up."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    table = write_table(tmp_path / "t.jsonl", 300)
    whole, _ = undisturbed(tmp_path / "whole", table, ".jsonl")
    code, errors = finish(start([str(tmp_path / "out"), ".jsonl", "2", str(table)], preexec_fn=limit))
    assert code == 1
    assert "RunError" in errors
    assert finish(start([str(tmp_path / "out"), ".jsonl", "2", str(table), "--resume"]))[0] == 0
    assert read_all(tmp_path / "out") == whole


def break_off(run: RunOf, table: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave an interrupted run of at least one chunk."""
    with monkeypatch.context() as full:
        fill_the_disk(full, parts.RECORDS)
        with pytest.raises(RunError):
            run([table], out)
    assert folder_of(out / "r.jsonl").is_dir()


def test_bytes_behind_the_last_commit_are_cut_off(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power failure left half written, or wrote twice, is no part of the output."""
    run([table], tmp_path / "whole")
    break_off(run, table, tmp_path / "out", monkeypatch)
    for name in parts.ALL:
        with parts.path_of(folder_of(tmp_path / "out" / "r.jsonl"), name).open("ab") as file:
            file.write(b"\x00half a line")
    run([table], tmp_path / "out", resume=True)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_part_that_lost_bytes_is_told(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that lost what it had promised to keep is no ground to go on from."""
    break_off(run, table, tmp_path / "out", monkeypatch)
    os.truncate(parts.path_of(folder_of(tmp_path / "out" / "r.jsonl"), parts.RECORDS), 10)
    with pytest.raises(RunError, match="shorter than it was"):
        run([table], tmp_path / "out", resume=True)


def test_a_left_over_run_is_an_error_that_says_what_to_do(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither thrown away nor gone on with unasked; `--restart` begins anew."""
    break_off(run, table, tmp_path / "out", monkeypatch)
    with pytest.raises(RunError, match="interrupted after 64 documents") as caught:
        run([table], tmp_path / "out")
    assert "--resume" in caught.value.hint
    assert "--restart" in caught.value.hint
    run([table], tmp_path / "whole")
    assert run([table], tmp_path / "out", restart=True).summary["resumed"] == 0
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_nothing_to_resume_is_a_new_run(run: RunOf, table: Path, tmp_path: Path) -> None:
    """A script may always say `--resume`."""
    run([table], tmp_path / "whole")
    run([table], tmp_path / "out", resume=True)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_other_circumstances_are_refused_by_name(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other inputs, other outputs, other versions: the message names what differs."""
    break_off(run, table, tmp_path / "out", monkeypatch)
    other = write_table(tmp_path / "other.jsonl", 10)
    with pytest.raises(RunError, match=r"inputs .*other\.jsonl"):
        run([other], tmp_path / "out", resume=True)
    with pytest.raises(RunError, match=r"outputs\.texts"):
        run([table], targets_in(tmp_path / "out", texts=False), resume=True)
    with monkeypatch.context() as change:
        change.setattr("jdextract.batch.identity.__version__", "9.9")
        with pytest.raises(RunError, match=r'versions\.jdextract \(.*now "9\.9"\)'):
            run([table], tmp_path / "out", resume=True)
    assert run([table], tmp_path / "out", resume=True).tally.documents == 318


def test_changed_documents_are_refused(run: RunOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row or a file that was done and is another one now: the message names the stretch where it stands."""
    table = write_table(tmp_path / "t.jsonl", 320)
    break_off(run, table, tmp_path / "out", monkeypatch)
    write_table(table, 320, {5: "another text"})
    with pytest.raises(RunError, match=r"inputs have changed, between .*#0 and .*#63"):
        run([table], tmp_path / "out", resume=True)
    write_table(table, 20)
    with pytest.raises(RunError, match=r"inputs have changed|fewer documents"):
        run([table], tmp_path / "out", resume=True)


def test_two_runs_into_one_output_are_refused(run: RunOf, table: Path, tmp_path: Path) -> None:
    """While the lock is held; a lock file that a dead process left holds nobody up."""
    lock = tmp_path / "out" / ".r.jsonl.run.lock"
    lock.parent.mkdir()
    with locked(lock, "r.jsonl"), pytest.raises(RunError, match="another run writes it now"):
        run([table], tmp_path / "out")
    assert not lock.exists()
    lock.write_bytes(b"")
    assert run([table], tmp_path / "out").tally.documents == 318
    assert not lock.exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """The system frees it; nobody has to remove a file."""
    table = write_table(tmp_path / "t.jsonl", 600)
    first = start([str(tmp_path / "out"), ".jsonl", "2", str(table)], 0.01)
    part = tmp_path / "out" / ".r.jsonl.run" / "records.part"
    while not (part.exists() and part.stat().st_size) and first.poll() is None:
        time.sleep(0.01)
    code, errors = finish(start([str(tmp_path / "out"), ".jsonl", "2", str(table), "--resume"]))
    assert (code, "another run writes it now" in errors) == (1, True)
    first.kill()
    first.communicate()
    assert finish(start([str(tmp_path / "out"), ".jsonl", "2", str(table), "--resume"]))[0] == 0


def test_a_run_that_ended_while_moving_only_moves(
    run: RunOf, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two moves: what is in its place stays, the rest follows, nothing is extracted again."""
    run([table], tmp_path / "whole")

    def stop(*_: object) -> None:
        raise OSError(errno.EIO, "the disk went away")

    with monkeypatch.context() as broken:
        broken.setattr("jdextract.batch.finishing._sync_folder", stop)  # after the first move
        with pytest.raises(RunError):
            run([table], tmp_path / "out")
    assert (tmp_path / "out" / "r.jsonl").exists()
    assert not (tmp_path / "out" / "r.html").exists()
    with monkeypatch.context() as unread:
        unread.setattr("jdextract.batch.run.cut_chunks", stop)
        run([table], tmp_path / "out", resume=True)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")
