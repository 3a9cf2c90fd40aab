"""The app's server: Streamlit, which ends within seconds of being asked to.

Run as a file, ``python -P server.py run app.py ...``, it imports nothing of the package. On its own Streamlit waits for
the last open connection before it ends, for ever where a visitor's machine sleeps and takes no more bytes.
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
import threading

__all__ = ["end_soon"]

#: seconds that connections get to close, less than the ten after which Docker, systemd and others kill
GRACE_SECONDS = 5.0
_ENDS = frozenset({signal.SIGINT, signal.SIGTERM})


def end_soon(grace: float = GRACE_SECONDS) -> None:
    """Let this process end within `grace` seconds of Ctrl-C or SIGTERM, and at once on the second of them.

    Who handles the signal is left as it is. Python writes the number of each signal to a socket, whose reader is a
    thread that does not keep the process alive; where an event loop takes these numbers for itself (on Windows, and
    uvloop) nothing changes. To be called from the main thread.

    Parameters
    ----------
    grace : float
        Seconds, more than 0.

    Examples
    --------
    >>> import subprocess, sys
    >>> code = f'''if True:
    ...     import os, signal, sys, time
    ...     sys.path.insert(0, {os.path.dirname(__file__)!r})
    ...     from server import end_soon
    ...     end_soon(0.1)
    ...     signal.signal(signal.SIGTERM, lambda *_: None)
    ...     os.kill(os.getpid(), signal.SIGTERM)
    ...     while True:
    ...         time.sleep(1)'''
    >>> subprocess.run([sys.executable, "-c", code]).returncode
    0
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # a full socket loses numbers, but not the first one
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    _kept.append(writer)
    threading.Thread(target=_end, args=(reader, grace), name="end soon", daemon=True).start()


#: what a signal is written to, as long as the process is there
_kept: list[socket.socket] = []


def _end(reader: socket.socket, grace: float) -> None:
    """Wait for a signal that ends, then for another one, or the time; connections and threads are not waited for."""
    _wait(reader)
    timer = threading.Timer(grace, os._exit, (0,))
    timer.daemon = True
    timer.start()
    _wait(reader)
    os._exit(0)


def _wait(reader: socket.socket) -> None:
    while number := reader.recv(1):
        if number[0] in _ENDS:
            return


if __name__ == "__main__":
    end_soon()
    # until Streamlit has its own: the first process of a container is not ended by a signal that it does not handle
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    sys.argv[0] = "streamlit"
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
