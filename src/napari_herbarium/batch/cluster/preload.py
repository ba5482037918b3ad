"""Loaded by every worker process of this machine, before its first sheet."""

from __future__ import annotations

import signal
import threading

# Ctrl-C reaches every process of the terminal, but it is meant for the leader: it
# stops the run, and a worker that died of it would look as if its sheet were to blame.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
