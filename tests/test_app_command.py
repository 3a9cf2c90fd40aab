"""``convex-core app`` finds the app and starts it with its own settings."""

import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

import convex_core
from convex_core.cli import app, main, server


def test_the_app_of_a_checkout_lies_beside_the_package():
    folder = app.app_folder()
    assert folder == Path(convex_core.__file__).resolve().parents[1]
    assert (folder / ".streamlit" / "config.toml").is_file()


def test_it_becomes_the_server_in_the_folder_of_its_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr(os, "execv", lambda path, args: started.append((path, args, Path.cwd())))
    monkeypatch.setattr(app.subprocess, "call", lambda args: 0)
    main(["app", "--port", "8599", "--no-browser"])
    ((path, args, folder),) = started
    assert path == sys.executable
    assert args[1:4] == ["-P", str(Path(server.__file__)), "run"]
    assert args[-4:] == ["--server.port", "8599", "--server.headless", "true"]
    assert folder == app.app_folder()


def test_a_wheel_without_the_app_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(app, "_PACKAGE", tmp_path / "convex_core")
    assert main(["app"]) == 1
    assert "got no app.py" in capsys.readouterr().err


def test_a_port_that_is_none_is_refused(capsys):
    assert main(["app", "--port", "70000"]) == 2
    assert "port: got 70000, expected an integer in [1, 65535]" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"convex-core {convex_core.__version__}"


# a process that goes on whatever it is told, as a server does that waits for its connections
STUBBORN = f"""
import signal, sys, time
sys.path.insert(0, {str(Path(server.__file__).parent)!r})
from server import end_soon
end_soon(float(sys.argv[1]))
for each in (signal.SIGTERM, signal.SIGINT):
    signal.signal(each, lambda number, frame: print("asked", flush=True))
print("ready", flush=True)
while True:
    time.sleep(1)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of other processes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_has_so_many_seconds_and_a_second_one_none(number):
    for grace, times in (("0.1", 1), ("1e6", 2)):
        command = [sys.executable, "-c", STUBBORN, grace]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            for _ in range(times - 1):
                process.send_signal(number)
                assert process.stdout.readline() == "asked\n"
                assert process.poll() is None
            process.send_signal(number)
            try:
                assert process.wait(timeout=60) == 0
            finally:
                process.kill()


def deaf_visitor(port):
    """A browser that asks for the page, and then takes no more bytes, as that of a machine that was put to sleep."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    visitor = socket.socket()
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    visitor.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    visitor.sendall(
        f"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n".encode()
    )
    assert b" 101 " in visitor.recv(64)
    message = BackMsg()
    message.rerun_script.query_string = ""
    text = message.SerializeToString()
    # a masked frame; the mask is zero
    visitor.sendall(struct.pack(">BB4x", 0x82, 0x80 | len(text)) + text)
    return visitor


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of other processes")
def test_the_server_ends_though_a_visitor_takes_no_more_bytes(tmp_path):
    drawn = tmp_path / "drawn"
    script = tmp_path / "page.py"
    script.write_text(
        f"import pathlib, streamlit\nstreamlit.text('x' * 20_000_000)\npathlib.Path({str(drawn)!r}).touch()"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"]
    command = [sys.executable, "-P", server.__file__, "run", str(script), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path) as process:
        try:
            for _ in range(600):
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                    break
                assert process.poll() is None
                time.sleep(0.1)
            with deaf_visitor(port):
                while not drawn.exists():
                    assert process.poll() is None
                    time.sleep(0.05)
                time.sleep(0.5)  # for the bytes that go
                process.terminate()
                assert process.wait(timeout=60) == 0
        finally:
            process.kill()
