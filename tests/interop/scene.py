"""What the scripts share: the server, the program, and bytes to send. `cargo xtask interop` sets the environment."""

import json
import os
import pathlib
import random
import subprocess

PROGRAM = os.environ["OSS_BIN"]
ENDPOINT = os.environ["INTEROP_ENDPOINT"]
REGION = os.environ["INTEROP_REGION"]
ACCESS_KEY_ID = os.environ["INTEROP_ACCESS_KEY_ID"]
ACCESS_KEY_SECRET = os.environ["INTEROP_ACCESS_KEY_SECRET"]
FOLDER = pathlib.Path(os.environ["INTEROP_FOLDER"])

KIB = 1024
# The smallest part that OSS takes, but for the last one.
PART = 100 * KIB


def some_bytes(length, seed=1):
    """The same bytes for the same arguments, and no two parts alike."""
    return random.Random(seed).randbytes(length)


def some_file(name, data):
    """A file with these bytes below the script's own folder."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def oss(*arguments, endpoint=ENDPOINT, expect=0):
    """Runs the program with nothing of the caller's OSS settings and gives back what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OSS_")}
    environment.update(
        HOME=str(FOLDER / "home"),
        XDG_STATE_HOME=str(FOLDER / "state"),
        XDG_CONFIG_HOME=str(FOLDER / "config"),
        OSS_ACCESS_KEY_ID=ACCESS_KEY_ID,
        OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET,
    )
    command = [PROGRAM, "--endpoint", endpoint, "--region", REGION, "--no-progress", *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if ended.returncode != expect:
        raise AssertionError(
            f"`oss {' '.join(map(str, arguments))}` ended with {ended.returncode}, not {expect}\n"
            f"{ended.stdout}{ended.stderr}"
        )
    return ended.stdout


def copy(file, bucket, key, *options, endpoint=ENDPOINT):
    """`oss cp` of a file, and the receipt that it wrote."""
    receipt = FOLDER / "receipt.json"
    receipt.unlink(missing_ok=True)
    oss("cp", file, f"oss://{bucket}/{key}", "--receipt", receipt, *options, endpoint=endpoint)
    return json.loads(receipt.read_text())
