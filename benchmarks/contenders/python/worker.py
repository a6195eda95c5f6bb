"""What Multifrost calls."""

from multifrost import ChildWorker


class Calculator(ChildWorker):
    def add(self, a: float, b: float) -> float:
        return a + b


if __name__ == "__main__":
    Calculator().run()
