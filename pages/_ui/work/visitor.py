"""The visitor a script runs for: who it is, and whether the answer is still wanted.

Streamlit stops a script where it writes to the page: one that waits or computes goes on for an answer that nobody will
see. And it lets a part of a page end before the same part is drawn with newer settings, whatever was asked meanwhile.
"""

from __future__ import annotations

import threading

from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType

__all__ = ["gone", "leave", "name"]


def name() -> str:
    """The session of this script; outside of one the thread."""
    context = get_script_run_ctx(suppress_warning=True)
    return str(threading.get_ident()) if context is None else context.session_id


def gone() -> bool:
    """Whether the visitor has left, or has asked for the same with newer settings."""
    context = get_script_run_ctx(suppress_warning=True)
    requests = None if context is None else context.script_requests
    if context is None or requests is None:
        return False
    # private to Streamlit: with a version that names them otherwise nobody leaves early, and that is all
    kind, asked = getattr(requests, "_state", None), getattr(requests, "_rerun_data", None)
    if kind is not ScriptRequestType.RERUN or asked is None:
        return kind is ScriptRequestType.STOP
    # a part that polls has no newer settings; a part that was not drawn by this run has its own turn after it
    parts = asked.fragment_id_queue
    drawn = context.fragment_ids_this_run
    return not parts or (not asked.is_auto_rerun and bool(drawn) and set(drawn or ()) <= set(parts))


def leave() -> None:
    """End the script of a visitor who is :func:`gone`; Streamlit begins the one that was asked for."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or context.script_requests is None or not gone():
        return
    requests: ScriptRequests = context.script_requests
    request = requests.on_scriptrunner_ready()
    if request.type is ScriptRequestType.RERUN:
        raise RerunException(request.rerun_data)
    raise StopException
