"""A load takes the memory of a few chunks, however large the file is."""

import subprocess
import sys
from pathlib import Path

STAGE = """
import sys
from pathlib import Path
from loaders import stage, staging
from loaders.files import Folder
from loaders.progress import Silent

source = Folder(Path(sys.argv[1]), chunk_rows=10_000)
with stage.opened(Path(sys.argv[2]), source) as staged:
    staging.run(source, staged, strict=False, progress=Silent())
    rows = sum(part.rows for part in staged.table("events").parts)
# Not `ru_maxrss`: that begins with the peak of the process that started this one.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(rows, int(peak.split()[1]) * 1024)
"""

ROWS = 500_000


def test_a_file_larger_than_the_memory_it_is_read_with(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = data / "events.csv"
    campaign = "x" * 950
    with path.open("w") as out:
        out.write("event_id,user_id,item_id,type,at,context\n")
        for n in range(ROWS):
            out.write(f"e{n},u{n % 977},i{n % 313},view,{1_600_000_000 + n},{n % 7} {campaign}\n")
    done = subprocess.run(
        [sys.executable, "-c", STAGE, str(data), str(tmp_path / "home")], check=True, capture_output=True, text=True
    )
    rows, peak_bytes = (int(text) for text in done.stdout.split())
    assert rows == ROWS
    assert peak_bytes < path.stat().st_size, f"{peak_bytes:,} bytes of memory for {path.stat().st_size:,} bytes of file"
