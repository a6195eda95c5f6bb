"""A worker whose methods start processes. Without ``TEST_GUARD`` its script has no guard for multiprocessing."""

from __future__ import annotations

import multiprocessing as mp
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multifrost import ChildWorker


def square(x: int) -> int:
    sys.stdout.write(f"squaring {x}\n")  # one write, so that lines of two processes do not mix
    return x * x


def fail(x: int) -> None:
    raise ValueError(f"job failed {x}")


class MpWorker(ChildWorker):
    def pid(self) -> int:
        return os.getpid()

    def squares(self, how: str) -> list[int]:
        pool = mp.get_context(how).Pool(2)
        try:
            return pool.map(square, [1, 2, 3])
        finally:
            pool.close()
            pool.join()  # lets a process that is still starting say what it has to say

    def squares_by_futures(self, how: str) -> list[int]:
        with ProcessPoolExecutor(2, mp_context=mp.get_context(how)) as pool:
            return list(pool.map(square, [1, 2, 3]))

    async def async_pid(self) -> int:
        return os.getpid()

    def start_service(self, name: str) -> int:
        self.service = subprocess.Popen([sys.executable, __file__, name])
        return self.service.pid

    def stop_service(self) -> int:
        self.service.terminate()
        return self.service.wait()

    def fork_that_stays(self) -> int:
        reader, self.fork_ends = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(self.fork_ends)
            os.read(reader, 1)  # until the worker closes its end
            os._exit(0)
        os.close(reader)
        return pid

    def end_fork(self, pid: int) -> int:
        os.close(self.fork_ends)
        return os.waitpid(pid, 0)[1]

    def failing_process(self) -> int | None:
        process = mp.get_context("fork").Process(target=fail, args=(2,))
        process.start()
        process.join()
        return process.exitcode

    def fork_that_returns(self) -> int:
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        else:
            print("in the fork")
        return pid

    def run_itself(self) -> tuple[int, str]:
        done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def second_worker(self) -> str:
        try:
            MpWorker().start()
        except Exception as error:
            return f"{getattr(error, 'code', '')}: {error}"
        return "it served"


if __name__ == "__main__" or not os.environ.get("TEST_GUARD"):
    MpWorker(sys.argv[1] if len(sys.argv) > 1 else None).run()
