"""The local language model behind an OpenAI-compatible address: `python -m project.services.model_server --port 8089`.

A process of its own, because a bad parameter ends the whole process inside llama.cpp. It listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from types import FrameType

from project.services.addresses import DEFAULT_MODEL_PORT, MODEL_ALIAS
from project.services.binaries import model_weights

SLOTS = 2  # answers written at the same time
TOKENS_PER_SLOT = 4096  # a system prompt and ten long examples as chat turns
PROMPT_CACHE_MIB = 256  # llama.cpp's own default is 8 GB
NICENESS = 5  # pages and tasks come first on a busy machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_MODEL_PORT)
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _leave)
    os.nice(NICENESS)
    server = _serve(options.port, options.slots, options.threads)
    print(f"listening on {server.listening_address}", flush=True)  # type: ignore[attr-defined]
    while True:
        time.sleep(3600)


def _serve(port: int, slots: int, threads: int) -> object:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_weights())
    parameters.model_alias = {MODEL_ALIAS}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.cors_origins = ""  # no page of another address may use it from a browser
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.use_jinja = True
    parameters.n_parallel = slots
    parameters.n_ctx = slots * TOKENS_PER_SLOT
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.verbosity = 1  # errors
    return xllamacpp.Server(parameters)


def _leave(signal_number: int, frame: FrameType | None) -> None:
    os._exit(0)  # llama.cpp's threads hold no data, and its own ending can hang on an open stream


if __name__ == "__main__":
    main()
