"""The memory that the web server's threads share."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.parts.servers import wait_until_up
from scripts.temporary_site import ROOT, free_port

#: Answers with how many stores of memory (arenas) threads make that all allocate at once, here and
#: in a process that nobody has told anything.
APP = """
import ctypes, json, subprocess, sys, tempfile, threading

def count():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
    together = threading.Barrier(8)
    def allocate():
        together.wait()
        libc.malloc(10_000)
        together.wait()
    threads = [threading.Thread(target=allocate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tempfile.TemporaryFile() as file:
        stream = ctypes.c_void_p(libc.fdopen(file.fileno(), b"w"))
        libc.malloc_info(0, stream)
        libc.fflush(stream)
        file.seek(0)
        return file.read().count(b"<heap nr=")

def application(environ, start_response):
    untold = subprocess.run([sys.executable, __file__], capture_output=True, check=True).stdout
    start_response("200 OK", [])
    return [json.dumps([count(), int(untold)]).encode()]

if __name__ == "__main__":
    print(count())
else:
    import benchmarks.load.bare  # settings that the server asks for
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other systems have no such stores")
def test_threads_share_two_stores_of_memory(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "app", "--bind", f"127.0.0.1:{port}", "--threads", "8",
         "--worker-class", "instarecon_site.server.worker.BufferingWorker",
         "--log-level", "error", "--no-control-socket"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{tmp_path}"}, cwd=tmp_path,
    )  # fmt: skip
    try:
        wait_until_up(port, server, "/")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            here, untold = json.load(answer)
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert here <= 2
    assert untold > 2  # the count can tell
