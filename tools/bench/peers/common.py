"""What the peers' programs share: the job, the files it names, the timed loop, the answer (tools/bench/job.ts)."""

import json
import os
import re
import sys
import time
from pathlib import Path

TICKS = 100  # clock ticks a second in /proc, which Linux fixes for programs


def answer(content):
    """The last line on stdout."""
    print(json.dumps(content), flush=True)


def skip(why):
    """Ends the process: this job cannot be done here."""
    answer({'skipped': why})
    sys.exit(0)


def process_age():
    """Seconds since this process was started."""
    fields = Path('/proc/self/stat').read_text().rpartition(')')[2].split()
    return float(Path('/proc/uptime').read_text().split()[0]) - int(fields[19]) / TICKS


def peak_mb():
    """VmHWM of this process, MB of 2^20 bytes."""
    return int(re.search(r'^VmHWM:\s+(\d+) kB$', Path('/proc/self/status').read_text(), re.MULTILINE)[1]) / 1024


class Job:
    """The job of the command line: its settings, the bundle's recipe, the initial state and the batch as arrays."""

    def __init__(self):
        settings = json.loads(sys.argv[1])
        self.variant, self.steps, self.threads = settings['variant'], settings['steps'], settings['threads']
        self.learning_rate = settings['learningRate']
        # XLA takes its threads from the processors that it may run on
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.threads])
        library = os.environ.get('LD_PRELOAD', '')
        if library not in Path('/proc/self/maps').read_text():  # the loader only warns
            skip(f'{library} is not installed (Debian: libtcmalloc-minimal4)')
        directory = Path(settings['directory'])
        self.recipe = json.loads((directory / 'graph/manifest.json').read_text())['recipe']
        try:
            from safetensors.numpy import load_file
        except ImportError as error:
            skip(str(error))
        self.libraries_mb = peak_mb()
        self.state = load_file(directory / 'graph/init.safetensors')
        self.batch = load_file(directory / 'batch.safetensors')

    def take_parameters(self):
        """The initial parameters and running statistics by name; the job forgets all of its state."""
        state, self.state = self.state, {}
        return {name: value for name, value in state.items() if not name.startswith('optim.')}

    def measure(self, step, setup_seconds, version):
        """Calls `step()`, which trains once and returns the loss as a number, and answers."""
        seconds, losses, ages = [], [], []
        for _ in range(self.steps):
            start = time.perf_counter()
            losses.append(float(step()))
            seconds.append(time.perf_counter() - start)
            ages.append(process_age())
        measured = {'seconds': seconds, 'losses': losses, 'ages': ages, 'setupSeconds': setup_seconds}
        answer({**measured, 'peakMb': peak_mb(), 'librariesMb': self.libraries_mb, 'version': version})
