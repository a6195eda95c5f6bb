"""A worker with the app id in ``TEST_APP``."""

import os

from multifrost import ChildWorker


class AppWorker(ChildWorker):
    def add(self, a: int, b: int) -> int:
        return a + b

    def fail(self) -> None:
        raise ValueError("no")


if __name__ == "__main__":
    AppWorker(app=os.environ["TEST_APP"]).run()
