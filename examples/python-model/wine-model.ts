// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.

/** Changes with the interface. As the option `interfaceHash` of a parent it tells when that has happened. */
export const WINE_MODEL_HASH = "d115d2a0504d278706879eab1d783a2575bcf541e37e8555861f06d78bb9144e";

/** The worker's methods, for `ParentWorker.spawn<WineModel>(…)` and `ParentWorker.connect<WineModel>(…)`. */
export interface WineModel {
  /**
   * The share of correct predictions for the wines not used in training, from 0 to 1.
   */
  accuracy(): number;
  /**
   * The names of the measurements, in the order that `predict` expects.
   */
  features(): string[];
  /**
   * One prediction for each wine.
   */
  predict(wines: number[][]): Prediction[];
  /**
   * The first `count` wines not used in training.
   */
  unseen(count: number): number[][];
}

export interface Prediction {
  grower: string;
  probability: number;
}
