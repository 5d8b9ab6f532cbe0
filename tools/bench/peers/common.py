"""What the peers' programs share: the job, the files it names, the timed loop, the answer (tools/bench/job.ts)."""

import json
import os
import re
import subprocess
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


def device_mb():
    """Memory in use on the first GPU by all processes, MB of 2^20 bytes."""
    query = ['nvidia-smi', '-i', '0', '--query-gpu=memory.used', '--format=csv,noheader,nounits']
    return float(subprocess.run(query, check=True, capture_output=True, text=True).stdout)


class Job:
    """The job of the command line: its settings, the bundle's recipe, the initial state and the batch as arrays."""

    def __init__(self):
        settings = json.loads(sys.argv[1])
        self.variant, self.steps, self.threads = settings['variant'], settings['steps'], settings['threads']
        self.learning_rate, self.steps_per_run = settings['learningRate'], settings['stepsPerRun']
        self.device, self.save_state = settings.get('device', 'cpu'), settings.get('saveState')
        # XLA takes its threads from the processors that it may run on
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: self.threads])
        library = os.environ.get('LD_PRELOAD', '')
        if library not in Path('/proc/self/maps').read_text():  # the loader only warns
            skip(f'{library} is not installed (Debian: libtcmalloc-minimal4)')
        self.device_before = device_mb() if self.device == 'cuda' else None
        directory = Path(settings['directory'])
        self.graph = directory / 'graph'
        self.manifest = json.loads((self.graph / 'manifest.json').read_text())
        self.recipe = self.manifest['recipe']
        try:
            from safetensors.numpy import load_file
        except ImportError as error:
            skip(str(error))
        self.libraries_mb = peak_mb()
        self.state = load_file(settings.get('startState') or self.graph / 'init.safetensors')
        self.batch = load_file(directory / 'batch.safetensors')

    def take_parameters(self):
        """The initial parameters and running statistics by name; the job forgets all of its state."""
        state, self.state = self.state, {}
        return {name: value for name, value in state.items() if not name.startswith('optim.')}

    def measure(self, step, setup_seconds, version, save=None):
        """Calls `step()`, which trains once and returns the loss as a number (a list of K for K steps), then `save()`; answers."""
        seconds, losses, ages = [], [], []
        while len(seconds) < self.steps:
            start = time.perf_counter()
            found = step()
            found = [float(loss) for loss in found] if isinstance(found, list) else [float(found)]
            each, age = (time.perf_counter() - start) / len(found), process_age()
            for i, loss in enumerate(found):
                losses.append(loss)
                seconds.append(each)
                ages.append(age - each * (len(found) - 1 - i))
        measured = {'seconds': seconds, 'losses': losses, 'ages': ages, 'setupSeconds': setup_seconds}
        if self.device_before is not None:  # allocators give nothing back: what is taken now is the most that was
            measured['deviceMb'] = device_mb() - self.device_before
        measured['peakMb'] = peak_mb()
        if save:
            save()
        answer({**measured, 'librariesMb': self.libraries_mb, 'version': version})
