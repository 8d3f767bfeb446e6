#!/usr/bin/env python3
"""Set Followup up and start it, from nothing but Python 3.11 or newer.

python3 run.py             set up, then start everything with the demo clinic
python3 run.py setup       only set up (`--dev`: with what the tests need)
python3 run.py test [...]  set up and test everything; arguments go to pytest
python3 run.py WORD ...    set up, then the console command: up, status, down, token, ...
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "followup-setup.json"
REQUIREMENTS = HERE / "requirements"
SOURCES = ["followup", "api", "worker"]
# Our own rules only: nothing is fetched, and nothing is told to anybody.
SEMGREP = ["--config", "checks/house.yaml", "--metrics", "off", "--disable-version-check", "--quiet", "--error"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may well have an older one
        stop("Followup needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ".")
    words = sys.argv[1:]
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    if words[:1] == ["setup"]:
        set_up(dev="--dev" in words)
        return 0
    if words[:1] == ["test"]:
        set_up(dev=True)
        return test(words[1:])
    set_up()
    command = VENV / "bin" / "followup"
    os.execv(command, [str(command), *(words or ["up"])])


# Setting up


def set_up(dev: bool = False) -> None:
    """Make `.venv` and everything built from the checkout; steps whose inputs did not change are skipped."""
    make_venv()
    install_packages(dev)
    link_project()
    build("followup.running.assets", "Building the page assets")
    build("followup.running.catalogues", "Compiling the translations")


def make_venv() -> None:
    if PYTHON.exists() and works([PYTHON, "-c", ""]):
        return
    say("Making a Python environment in .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if made.returncode:
        stop(
            "Python could not make a virtual environment. On Debian and Ubuntu that takes one package:\n"
            "  apt install python3-venv\n"
            "(Followup never installs into the system's own Python.) Python said:\n"
            + (made.stdout + made.stderr).strip()
        )


def install_packages(dev: bool) -> None:
    locks = {name: digest(REQUIREMENTS / f"{name}.lock") for name in ("core", "dev")}
    # The larger set holds the smaller one: a plain set-up does not take the tests' packages away again.
    if stamp("packages") not in (["dev", locks["dev"]], ["dev" if dev else "core", locks["dev" if dev else "core"]]):
        name = "dev" if dev else "core"
        say("Installing the Python packages" + (" and those for the tests" if dev else ""))
        lock = REQUIREMENTS / f"{name}.lock"
        # The system's certificates: many a clinic's network looks into TLS with one of its own.
        sync = [
            PYTHON,
            "-m",
            "uv",
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--system-certs",
            "--python",
            PYTHON,
            lock,
        ]
        if not (has_uv() and works(sync)):
            pip("--require-hashes", "-r", lock)
        set_stamp("packages", [name, locks[name]])
        set_stamp("node", None)
    if stamp("node") is None:
        if not node_on_path():
            say("Installing Node (the machine has none that fits)")
            pip("--require-hashes", "-r", REQUIREMENTS / "node.lock")
        set_stamp("node", True)


def has_uv() -> bool:
    """uv is many times faster than pip, and not worth failing for."""
    if works([PYTHON, "-m", "uv", "--version"]):
        return True
    lock = REQUIREMENTS / "installer.lock"
    return works([PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock])


def node_on_path() -> bool:
    """Whether the machine's own Node is one that nhsuk-frontend accepts, with npm beside it."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    try:
        major, minor, *_ = (int(part) for part in said.lstrip("v").split("."))
    except ValueError:
        return False
    return (major, minor) >= (24, 11) or (major == 22 and minor >= 11) or (major == 20 and minor >= 9)


def link_project() -> None:
    """Make the checkout importable in `.venv` and put the console command there."""
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    write(site / "followup-checkout.pth", f"{HERE}\n")
    command = VENV / "bin" / "followup"
    write(command, f"#!{PYTHON}\nimport sys\n\nfrom followup.cli import main\n\nsys.exit(main())\n")
    command.chmod(0o755)


def build(module: str, says: str) -> None:
    """Run a build step of the product; it knows itself whether there is anything to do (`--check` exits 1)."""
    if works([PYTHON, "-m", module, "--check"]):
        return
    say(says)
    run([PYTHON, "-m", module])


# Testing


def test(arguments: list[str]) -> int:
    browser = find_browser()
    environment = os.environ | {"FOLLOWUP_CHROMIUM": browser}
    if arguments:
        return subprocess.run([PYTHON, "-m", "pytest", *arguments], cwd=HERE, env=environment).returncode
    failed = []
    for title, command in checks():
        say(title)
        if subprocess.run([VENV / "bin" / command[0], *command[1:]], cwd=HERE, env=environment).returncode:
            failed.append(title)
    if failed:
        say("Failed: " + "; ".join(failed))
    return 1 if failed else 0


def checks() -> list[tuple[str, list[str]]]:
    return [
        ("Style of the code", ["ruff", "check", "."]),
        ("Layout of the code", ["ruff", "format", "--check", "."]),
        ("Rules of the house", ["semgrep", "scan", *SEMGREP, *SOURCES, "templates"]),
        ("Known weaknesses", ["bandit", "--quiet", "--recursive", "-ll", "--configfile", "pyproject.toml", *SOURCES]),
        ("Who may import whom", ["lint-imports"]),
        ("Types", ["mypy"]),
        ("Translations", ["python", "-m", "followup.running.catalogues", "--complete"]),
        (
            "Tests",
            [
                "python",
                "-m",
                "pytest",
                "-n",
                "2",
                "--dist",
                "loadfile",
                "--ignore=tests/journeys",
                "--ignore=tests/races",
                "--ignore=tests/faults",
            ],
        ),
        ("Races and journeys in the living product", ["python", "-m", "pytest", "tests/races", "tests/journeys"]),
        ("Faults in the living product", ["python", "-m", "pytest", "tests/faults"]),
    ]


def find_browser() -> str:
    """The path of a Chromium: named, on PATH, from Debian (as root), or Playwright's own; else stop."""
    named = os.environ.get("FOLLOWUP_CHROMIUM")
    if named:
        return named
    found = browser_on_path()
    if not found and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Chromium (the Debian package)")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        if works(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], env=quiet) or (
            works(["apt-get", "update"])
            and works(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], env=quiet)
        ):
            found = browser_on_path()
    if not found:
        found = playwright_browser()
    if not found:
        say("Fetching Chromium (Playwright's own)")
        if works([PYTHON, "-m", "playwright", "install", "chromium"]):
            found = playwright_browser()
    if not found:
        stop(
            "The tests drive a real Chromium and none could be found or fetched. Install one, for example\n"
            "  apt install chromium\n"
            "or name one: FOLLOWUP_CHROMIUM=/path/to/chromium python3 run.py test"
        )
    return found


def browser_on_path() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def playwright_browser() -> str | None:
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    path = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True).stdout.strip()
    return path if path and Path(path).exists() else None


# Small tools


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamps() -> dict:
    return json.loads(STAMPS.read_text()) if STAMPS.exists() else {}


def stamp(name: str):
    return stamps().get(name)


def set_stamp(name: str, value) -> None:
    STAMPS.write_text(json.dumps(stamps() | {name: value}))


def write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def pip(*arguments) -> None:
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])


def works(command: list, **options) -> bool:
    return subprocess.run(list(map(str, command)), capture_output=True, cwd=HERE, **options).returncode == 0


def run(command: list) -> None:
    done = subprocess.run(list(map(str, command)), cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        stop(f"That did not work: {' '.join(map(str, command))}\n{(done.stdout + done.stderr).strip()}")


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> None:
    sys.exit(text)


if __name__ == "__main__":
    sys.exit(main())
