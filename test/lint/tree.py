"""tree.py: the files that the checks look at, and the form of their answers. Imported, never run."""
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]


def files(*patterns):
    """Returns the names of files that git tracks or does not ignore, relative to the root, sorted."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in names if (root / name).is_file()})


def read(name):
    return (root / name).read_text()


def wants_report():
    return sys.argv[1:] == ["--report"]


def finish(complaints):
    """Prints the complaints, one a line, and exits with 1 if there is one."""
    found = list(complaints)
    for line in found:
        print(line)
    sys.exit(1 if found else 0)
