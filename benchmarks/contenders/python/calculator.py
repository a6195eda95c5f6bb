"""What pythonia calls: an ordinary module."""


def add(a: float, b: float) -> float:
    return a + b
