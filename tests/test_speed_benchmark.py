"""The speed benchmark: its pieces run, its generator repeats as real postings do, its figures follow from what was measured."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.benchmarks import (
    contestants,
    generator,
    growth,
    machine,
    processes,
    repetition,
    scaling,
    speed,
    speed_tables,
    stages,
)


@pytest.fixture(scope="module")
def made() -> generator.Generator:
    return generator.Generator(1)


def test_a_seed_always_gives_the_same_postings(made: generator.Generator) -> None:
    """Rows depend on the seed and their number only: not on what was asked before, nor on how many are wanted."""
    first = list(made.rows(300))
    made.posting(9_999)
    assert list(islice(made.rows(1_000_000), 300)) == first
    assert list(generator.Generator(2).rows(300)) != first
    assert [json.loads(line)["id"] for line in first] == [f"g-{number}" for number in range(300)]


def test_generated_postings_repeat_as_much_as_scraped_ones(made: generator.Generator) -> None:
    """Shares of 6,000 postings lie where crawls of that size lie: 2 - 5 % reposts, 19 - 31 % repeated sentences."""
    measured = repetition.measure(made.posting(number)[1] for number in range(6_000))
    assert 0.02 <= measured.reposts <= 0.05
    assert 0.19 <= measured.sentences_repeated <= 0.31
    assert 0.07 <= measured.pairs_repeated <= 0.19
    assert 0.17 <= measured.half_shared <= 0.33
    assert 8 <= measured.sentences_per_posting <= 13


def test_a_pool_never_says_the_same_twice() -> None:
    """Different numbers of a pool give different sentences, far beyond those that were written."""
    pool = generator.Pool(["负责店铺，核对订单，回复评价", "整理货架，清点库存", "打包"], ["，每天{}次", "，共{}件"])
    sentences = [pool[number] for number in range(2_000)]
    assert sentences[:3] == ["负责店铺，核对订单，回复评价", "整理货架，清点库存", "打包"]
    assert len(set(sentences)) >= 1_995


def test_repetition_counts_what_stands_twice() -> None:
    """Two postings that differ in digits are one repost; a sentence in both of two others counts once."""
    first, other = "负责日常店铺巡检工作；核对每天平台订单数据", "负责日常店铺巡检工作；撰写每周运营分析报告"
    measured = repetition.measure([first + "2024", first + "2025", other])
    assert measured.reposts == pytest.approx(1 / 3, abs=1e-3)
    assert measured.sentences_repeated == pytest.approx(3 / 6)
    assert measured.beside_reposts == pytest.approx(1 / 4)
    assert measured.half_shared == 1.0


def test_a_command_is_timed_and_its_failure_told(tmp_path: Path) -> None:
    """CPU time and memory of the whole tree are seen, and a bad end or too long a run is an error with its reason."""
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(60_000_000); sum(range(9_000_000))'])"
    done = processes.run([sys.executable, "-c", work], cores=1, output=tmp_path)
    assert done.cpu_seconds > 0.1
    assert done.peak_mb > 40
    with pytest.raises(processes.CommandFailed, match="code 4: oh no"):
        processes.run([sys.executable, "-c", "import sys; print('oh no', file=sys.stderr); sys.exit(4)"])
    with pytest.raises(processes.CommandFailed, match="not done"):
        processes.run([sys.executable, "-c", "import time; time.sleep(30)"], limit=0.5)


def test_the_floor_runs_and_what_can_not_run_is_left_out(tmp_path: Path) -> None:
    """The race goes on without a contestant that fails, and says why it is missing."""
    rows = tmp_path / "rows.jsonl"
    generator.write(200, rows)
    broken = contestants.Contestant("broken", lambda *_: [sys.executable, "-c", "raise SystemExit('no model')"])
    told = contestants.race([broken, contestants.floor()], rows, tmp_path, 1, sampled=True)
    assert told["left_out"] == {"broken": "ended with code 1: no model"}
    assert told["systems"]["floor"]["lines"] == 200
    assert told["systems"]["floor"]["cpu_of_tree"] > 0
    assert told["systems"]["floor"]["cpu_seconds"]["documents_per_second"] > 0


def test_documents_that_fail_are_no_speed(tmp_path: Path) -> None:
    """A run in which more than one document in a hundred failed has no rate."""
    assert contestants.count_failures(tmp_path, 100) == 0
    (tmp_path / "errors.jsonl").write_text("{}\n{}\n", encoding="utf-8")
    assert contestants.count_failures(tmp_path, 200) == 2
    with pytest.raises(processes.CommandFailed, match="2 of 100"):
        contestants.count_failures(tmp_path, 100)


def test_rates_of_the_ends_follow_from_the_size_of_the_output(tmp_path: Path) -> None:
    """A run that becomes half as fast has a ratio of one half; start-up is in neither end."""
    records = tmp_path / "records.jsonl"
    lines = [
        json.dumps({"document": {"source": f"rows.jsonl#g-{number}"}}, separators=(",", ":")) + "\n"
        for number in range(1_000)
    ]
    records.write_text("".join(lines), encoding="utf-8")
    samples, seconds = [processes.Sample(3.0, 3.0, 0, 10.0)], 5.0
    for number in range(0, 1_000, 10):
        seconds += 1.0 if number < 500 else 2.0
        written = len("".join(lines[: number + 10]).encode())
        samples.append(processes.Sample(seconds, seconds, written, 10.0))
    points = growth.trace(records, samples)
    assert [point.documents for point in points] == list(range(10, 1_001, 10))
    ends = growth.compare_ends(points, 1_000, "seconds")
    assert ends is not None
    assert ends["first"] == pytest.approx(10.0)
    assert ends["ratio"] == pytest.approx(0.5)
    assert growth.compare_ends(points[::30], 1_000, "seconds") is None
    assert growth.sizes(20_000) == [1_000, 10_000, 20_000]


def test_time_of_other_packages_counts_for_the_module_that_called_them() -> None:
    """What a library does, through calls between, is shared out by who waited for it."""
    zone, record, middle, inner = ("/x/jdextract/extraction/zoning.py", 1, "zone"), ("/x/jdextract/output.py", 2, "write"), ("/y/lib.py", 3, "f"), ("~", 0, "g")  # fmt: skip
    told = stages.summarize(
        {
            zone: (1, 1, 1.0, 4.0, {}),
            record: (1, 1, 0.5, 1.5, {}),
            middle: (2, 2, 0.0, 4.0, {zone: (1, 1, 0.0, 3.0), record: (1, 1, 0.0, 1.0)}),
            inner: (2, 2, 4.0, 4.0, {middle: (2, 2, 4.0, 4.0)}),
        }
    )
    assert told["stages"] == {
        "extraction": {"seconds": 4.0, "share": pytest.approx(0.7273, abs=1e-4)},
        "output": {"seconds": 1.5, "share": pytest.approx(0.2727, abs=1e-4)},
    }


def _system(rate: float, peak: float = 400.0) -> dict[str, object]:
    told = {
        "start": 1.0,
        "work": 1_000 / rate,
        "work_each": [1_000 / rate],
        "documents_per_second": rate,
    }
    told |= {"documents_per_second_with_start": rate / 2, "characters_per_second": 300 * rate}
    return {"seconds": told, "cpu_seconds": told, "peak_mb": peak, "lines": 1, "cpu_of_tree": 2.0, "bytes_out": 3_000_000, "bytes_in_per_document": 1_000, "repetitions": 1}  # fmt: skip


def test_the_scale_is_calculated_from_the_measured_rates() -> None:
    """A hundred million postings at 1,000 a second are 27.8 core hours; two workers at 1.8 leave a ninth to one process."""
    systems = {"jdextract": _system(1_000.0), "plain": _system(100.0), "floor": _system(5_000.0)}
    workers = {"1 worker": _system(1_000.0), "2 workers": _system(1_800.0, 700.0)}
    place = {"date": "2024-01-01", "machine": machine.describe(), "others": 0.0}
    result = {
        "comparison": {
            "data": {"documents": 1_000, "kind": "real postings"},
            "systems": systems,
            "ratios": speed.compare(systems),
        },
        "workers": {"systems": workers, "speedup": 1.8, **place},
    }
    told = scaling.estimate(result, 100_000_000)
    assert told["core_hours"] == pytest.approx(27.8)
    assert told["hours_apart"] == pytest.approx(0.43)
    assert told["serial_share"] == pytest.approx(1 / 9, abs=1e-3)
    assert told["storage_in_gb"] == 100.0
    assert told["storage_out_gb"] == 300.0
    assert told["memory_gb_together"] == pytest.approx((400 + 63 * 300) / 1024, abs=0.1)
    assert [one["met"] for one in speed_tables.targets(result)] == [True, False, True, None, None]
    assert "| 2 workers | 1,800.0 |" in speed_tables.write_tables({"workers": result["workers"]})
    assert "100,000,000" in scaling.write_paper(result)
    assert "Nothing was measured" in scaling.write_paper({})


def test_the_command_writes_figures_and_a_table_without_a_machine_name(tmp_path: Path) -> None:
    """A part alone can be measured on postings of a folder; the other parts of the file stay; the table stands beside it."""
    generator.write(50, tmp_path / "some.jsonl")
    out = tmp_path / "speed.json"
    out.write_text('{"profile": {"documents": 1, "seconds": 1.0, "stages": {}, "modules": {}}}', encoding="utf-8")
    speed.main(["--postings", str(tmp_path), "--only", "repetition", "--documents", "20", "--scratch", str(tmp_path / "s"), "-o", str(out)])  # fmt: skip
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["repetition"]["measured"]["real"] == told["repetition"]["measured"]["generated"]
    assert set(told["repetition"]["machine"]) == {"cores", "cpu", "memory_gb", "system", "python"}
    assert "profile" in told
    assert "| real | 50 |" in out.with_suffix(".md").read_text(encoding="utf-8")


def test_a_part_that_fails_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other parts are measured and written."""

    def fail(_bench: speed.Bench) -> None:
        raise processes.CommandFailed("not today")

    monkeypatch.setattr(speed.Bench, "profile", fail)
    given = argparse.Namespace(postings=None, documents=5, scratch=tmp_path, wait=0.0, parts=["profile", "repetition"])
    result: dict[str, object] = {}
    speed.measure(given, result)
    assert "profile" not in result
    assert "repetition" in result
