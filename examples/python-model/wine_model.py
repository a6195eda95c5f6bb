"""The worker: a scikit-learn model, trained at the start, and the methods that Node calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from multifrost import ChildWorker

DATA = load_wine()
"""178 Italian wines of three growers with 13 measurements each. The data is part of scikit-learn."""


@dataclass
class Prediction:
    """The most likely grower of a wine, and how likely that is, from 0 to 1."""

    grower: str
    probability: float


class WineModel(ChildWorker):
    """Predicts the grower of a wine from its chemistry."""

    def __init__(self, service_id: str | None = None) -> None:
        super().__init__(service_id)
        train, self._unseen, labels, self._answers = train_test_split(
            DATA.data, DATA.target, test_size=0.25, random_state=1, stratify=DATA.target
        )
        self._forest = RandomForestClassifier(random_state=1).fit(train, labels)
        print(f"trained on {len(train)} wines; {self.accuracy():.1%} of {len(self._unseen)} others predicted correctly")

    def features(self) -> list[str]:
        """The names of the measurements, in the order that `predict` expects."""
        return list(DATA.feature_names)

    def accuracy(self) -> float:
        """The share of correct predictions for the wines not used in training, from 0 to 1."""
        return float(self._forest.score(self._unseen, self._answers))

    def unseen(self, count: int) -> list[list[float]]:
        """The first `count` wines not used in training."""
        return [list(wine) for wine in self._unseen[:count]]

    def predict(self, wines: list[list[float]]) -> list[Prediction]:
        """One prediction for each wine."""
        rows = np.asarray(wines, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != len(DATA.feature_names):
            raise ValueError(f"a wine is {len(DATA.feature_names)} numbers; see features()")
        chances = self._forest.predict_proba(rows)
        return [Prediction(DATA.target_names[row.argmax()].item(), row.max().item()) for row in chances]


if __name__ == "__main__":
    WineModel().run()
